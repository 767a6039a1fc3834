#!/usr/bin/env bash
# Brings what the project needs onto a Debian machine: the EDA tools and a C linker by apt, Rust by rustup.
# With the argument `test` also what only tests need. Says nothing and changes nothing when all is there. `make demo` and
# `make test` run it first.

set -euo pipefail

# The oldest Rust that builds the workspace, as Cargo.toml states it.
manifest="$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml"
rust_version="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$manifest")"

say() {
    printf 'setup: %s\n' "$*" >&2
}

fail() {
    say "$@"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

is_debian() {
    have apt-get && have dpkg-query
}

# Whether the package named $1 is there. A tool that was put there by other means counts.
is_there() {
    case "$1" in
        opensta) have sta ;;
        yosys) have yosys ;;
        qflow-tech-osu018) [[ -r /usr/share/qflow/tech/osu018/osu018_stdcells.lib ]] ;;
        tclx8.4) [[ -d /usr/lib/tclx8.4 || -d /usr/lib/tcltk/tclx8.4 ]] || is_installed tclx8.4 ;;
        tcl) have tclsh ;;
        fonts-dejavu-core) [[ -r /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]] || ! is_debian ;;
        gcc) have cc || have gcc ;;
        libc6-dev) [[ -r /usr/include/stdio.h ]] ;;
        python3-venv) have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        iproute2) have ip || [[ -x /usr/sbin/ip ]] ;;
        chromium-headless-shell) have chromium-headless-shell || have chromium ;;
        ca-certificates) [[ -r /etc/ssl/certs/ca-certificates.crt ]] || ! is_debian ;;
        *) is_installed "$1" ;;
    esac
}

is_installed() {
    [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# Runs a command as root, or says what the user should run.
as_root() {
    if [[ "$(id -u)" == 0 ]]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

can_be_root() {
    as_root true
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@" >&2
}

# Sets `missing` to those of the named packages that are not there.
find_missing() {
    local package
    missing=()
    for package in "$@"; do
        is_there "$package" || missing+=("$package")
    done
}

# Installs packages, as root on Debian.
install_packages() {
    say "installing $*"
    # The package lists of a fresh machine are often empty or old; bring them only then.
    if apt-get install --simulate "$@" >/dev/null 2>&1 && apt_install "$@"; then
        return
    fi
    as_root apt-get update >&2 || {
        say "apt-get update failed"
        return 1
    }
    apt_install "$@"
}

packages() {
    local missing
    find_missing opensta yosys qflow-tech-osu018 tclx8.4 tcl gcc libc6-dev ca-certificates fonts-dejavu-core
    [[ ${#missing[@]} == 0 ]] && return

    is_debian || fail "missing: ${missing[*]} (names of Debian packages)." \
        "This is not Debian, so please install OpenSTA (sta), yosys, Tcl with TclX, a C compiler and qflow's" \
        "OSU018 cells (/usr/share/qflow/tech/osu018/osu018_stdcells.lib) by hand."
    can_be_root || fail "missing: ${missing[*]}. Please run this as root, then try again:" \
        "apt-get update && apt-get install ${missing[*]}"

    install_packages "${missing[@]}" \
        || fail "apt-get could not install ${missing[*]}; Debian 12 has them all in section main"
    local package
    for package in "${missing[@]}"; do
        is_there "$package" || fail "$package is installed, yet its files are not where they should be"
    done
}

# What only tests need: a virtual environment for Ray, networks that can be cut, and a browser without a screen, some
# 560 MB with all that it needs on a bare machine. What cannot be brought is said; tests without it say so too.
test_packages() {
    local missing package
    find_missing python3-venv iproute2 chromium-headless-shell
    [[ ${#missing[@]} == 0 ]] && return
    if is_debian && can_be_root; then
        # One by one: where one cannot be had, the others still can.
        for package in "${missing[@]}"; do
            install_packages "$package" || true
        done
        find_missing "${missing[@]}"
    fi
    for package in "${missing[@]}"; do
        case "$package" in
            python3-venv) say "python3-venv CANNOT BE INSTALLED: Python cannot make the environment of Ray" ;;
            iproute2) say "iproute2 CANNOT BE INSTALLED: tests that cut a network will be SKIPPED" ;;
            *) say "$package CANNOT BE INSTALLED: tests that look at pages will be SKIPPED" ;;
        esac
    done
}

# Whether version $1 is at least version $2.
at_least() {
    [[ "$(printf '%s\n%s\n' "$2" "$1" | sort --version-sort | head -n 1)" == "$2" ]]
}

cargo_version() {
    cargo --version 2>/dev/null | cut -d ' ' -f 2
}

rust() {
    local version
    version="$(cargo_version || true)"
    if [[ -z "$version" ]]; then
        if ! have rustup && is_debian && apt-cache show rustup >/dev/null 2>&1 && can_be_root; then
            say "installing rustup"
            apt_install rustup || true
        fi
        have rustup || fail "Rust is missing ($rust_version or newer). Please install it, then try again:" \
            "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
        say "installing Rust"
        rustup default stable >&2 || fail "rustup could not install Rust"
        version="$(cargo_version || true)"
        [[ -n "$version" ]] || fail "rustup installed Rust, yet cargo does not run"
    fi
    at_least "$version" "$rust_version" \
        || fail "cargo is $version; Noodle 2 needs Rust $rust_version or newer: 'rustup update stable', or https://rustup.rs"

    local component missing=()
    for component in clippy rustfmt; do
        cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || missing+=("$component")
    done
    [[ ${#missing[@]} == 0 ]] && return
    have rustup || fail "missing beside cargo: ${missing[*]}; Debian has them as rust-clippy and rustfmt"
    say "installing ${missing[*]}"
    rustup component add "${missing[@]}" >&2 || fail "rustup could not install ${missing[*]}"
}

case "${1:-}" in
    "" | test) ;;
    *) fail "the only argument is 'test', not '$1'" ;;
esac
packages
[[ "${1:-}" != test ]] || test_packages
rust

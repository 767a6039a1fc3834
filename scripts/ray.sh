#!/usr/bin/env bash
# Brings Ray and what the tests of python/ need into a virtual environment under target/, and prints its path. Takes
# no time when all is there already. The system's Python stays as it is.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment="${CARGO_TARGET_DIR:-target}/ray"
requirements=python/requirements-test.txt
project=python/pyproject.toml
stamp="$environment/noodle2-stamp"

say() {
    printf 'ray: %s\n' "$*" >&2
}

fail() {
    say "$@"
    exit 1
}

# What the environment was made of. The package is installed in place, so that only its description counts. The path
# counts, since scripts of an environment name their interpreter by it.
wanted() {
    printf '%s\n' "$PWD"
    python3 --version
    sha256sum "$requirements" "$project"
}

command -v python3 >/dev/null 2>&1 || fail "python3 is missing; 'scripts/setup.sh test' installs it"
if [[ ! -x "$environment/bin/ray" || "$(cat "$stamp" 2>/dev/null)" != "$(wanted)" ]]; then
    # A half-made environment has no stamp, and is made anew.
    rm -rf "$environment"
    say "installing Ray into $environment"
    python3 -m venv "$environment" \
        || fail "python3 cannot make a virtual environment; Debian has what it lacks as python3-venv"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 \
        || fail "the packages of $requirements cannot be installed; is the package index reachable?"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --editable python >&2 \
        || fail "the package in python/ cannot be installed"
    wanted >"$stamp"
fi
printf '%s\n' "$environment"

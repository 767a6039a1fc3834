#!/usr/bin/env bash
# Brings pandas and DuckDB, with which tests read what `noodle2 export` writes, into a virtual environment under target/, and
# prints its path. Takes no time when all is there already. The system's Python stays as it is.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment="${CARGO_TARGET_DIR:-target}/tables"
requirements=python/requirements-tables.txt
stamp="$environment/noodle2-stamp"

fail() {
    printf 'tables: %s\n' "$*" >&2
    exit 1
}

# What the environment was made of. The path counts, since an environment knows where it lies.
wanted() {
    printf '%s\n' "$PWD"
    python3 --version
    sha256sum "$requirements"
}

command -v python3 >/dev/null 2>&1 || fail "python3 is missing; 'scripts/setup.sh test' installs it"
if [[ ! -x "$environment/bin/python" || "$(cat "$stamp" 2>/dev/null)" != "$(wanted)" ]]; then
    # A half-made environment has no stamp, and is made anew.
    rm -rf "$environment"
    printf 'tables: installing pandas and DuckDB into %s\n' "$environment" >&2
    python3 -m venv "$environment" \
        || fail "python3 cannot make a virtual environment; Debian has what it lacks as python3-venv"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 \
        || fail "the packages of $requirements cannot be installed; is the package index reachable?"
    wanted >"$stamp"
fi
printf '%s\n' "$environment"

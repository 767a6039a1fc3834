#!/usr/bin/env bash
# Runs all tests of the workspace, with cargo-nextest where it is there, and those of the Python package.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -d ../shared/designs && -d ../shared/pdk ]]; then
    printf 'test: ../shared is there: the tests on its designs and platforms run\n' >&2
else
    printf 'test: SKIPPED: ../shared is not there: the tests on its designs and platforms do nothing\n' >&2
fi

# Absolute, since each tool finds its settings in the folder that it runs in.
tools="$(realpath "$(scripts/ray.sh)/bin")"
(
    cd python
    "$tools/ruff" format --check .
    "$tools/ruff" check .
    "$tools/mypy" --strict
)

if cargo nextest --version >/dev/null 2>&1; then
    # One more than there are processors: tests on clusters run one at a time, and mostly wait.
    cargo nextest run --workspace --locked --no-fail-fast --test-threads "$(($(nproc) + 1))"
    # cargo-nextest does not know the examples in the documentation.
    cargo test --workspace --locked --doc
else
    cargo test --workspace --locked --no-fail-fast
fi

#!/usr/bin/env bash
# Builds the book of docs/ into target/book. Brings mdBook into target/tools where there is none: a tool, linked into nothing.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mdbook="$(command -v mdbook || true)"
if [[ -z "$mdbook" ]]; then
    mdbook=target/tools/bin/mdbook
    if [[ ! -x "$mdbook" ]]; then
        printf 'book: installing mdBook into target/tools\n' >&2
        cargo install --locked mdbook --version 0.5.4 --no-default-features --features search --root target/tools >&2
    fi
fi
"$mdbook" build
printf 'book: target/book/index.html\n' >&2

#!/usr/bin/env bash
# Measures Noodle 2 beside the same scripts run by other means. `make bench` builds first. With PEERS=1 other systems are
# brought into a virtual environment under target/; one that cannot be is reported as missing.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="${CARGO_TARGET_DIR:-target}"
peers="$target/peers"
if [[ -n "${PEERS:-}" ]]; then
    [[ -x "$peers/bin/python" ]] || python3 -m venv "$peers"
    for package in "ray[default]" hyperqueue snakemake; do
        "$peers/bin/pip" install --quiet "$package" || printf 'bench: %s cannot be installed\n' "$package" >&2
    done
fi

python3 bench/bench.py "$target/release/noodle2" --trials "${TRIALS:-200}" --peer-trials "${PEER_TRIALS:-40}" --peers "$peers" --json "$target/bench/figures.json"
printf 'bench: the figures lie in %s/bench/figures.json\n' "$target" >&2

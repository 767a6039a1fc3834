#!/usr/bin/env bash
# Runs the demo's study into a fresh folder below runs/ which prints its report. `make demo` builds first.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

noodle2="${CARGO_TARGET_DIR:-target}/release/noodle2"
study=examples/branching/study.yaml

name="runs/demo-$(date +%Y%m%d-%H%M%S)"
run="$name"
count=1
while [[ -e "$run" ]]; do
    count=$((count + 1))
    run="$name-$count"
done
mkdir -p runs

printf 'demo: %s into %s\n' "$study" "$run" >&2
status=0
# Everything runs, also the second time: a demo of what is known would show nothing at work.
"$noodle2" run "$study" --out "$run" --no-cache || status=$?
if [[ $status == 7 ]]; then
    printf 'demo: interrupted; %s resume %s goes on\n' "$noodle2" "$run" >&2
fi
[[ $status == 0 ]] || exit "$status"

printf 'demo: see %s/lineage.svg and %s/report.md; check the record with: %s verify %s\n' \
    "$run" "$run" "$noodle2" "$run" >&2

#!/usr/bin/env python3
"""Measures Noodle 2 against the same scripts run by other means, side by side in one run.

    bench/bench.py NOODLE2 [--trials N] [--peer-trials N] [--workers N] [--peers FOLDER] [--json FILE]

Every figure is of whole processes: seconds on the clock and of processor time, children included. The other side
runs the very scripts that Noodle 2 left in the folders of its attempts, each in a copy of its folder. A ratio
compares two figures of one run of this program: machines differ, and differ from hour to hour.

A peer that is not installed in FOLDER (a virtual environment) is reported as missing, never left out in silence.
Nothing here is part of the product.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from trials import SHARED, against_others


def starting(noodle2: str) -> dict:
    """How long the program takes to say what it can."""
    times = []
    for _ in range(20):
        began = time.monotonic()
        subprocess.run([noodle2, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - began)
    return {"what": "noodle2 --help, median of 20", "wall_s": statistics.median(times)}


COLUMNS = {"trials": "trials", "wall_s": "wall s", "cpu_s": "cpu s", "trials_per_s": "trials/s",
           "noodle2_is_faster_by": "noodle2 faster by", "whole_run_over_this": "noodle2 / this"}


def table(rows: list[dict]) -> str:
    keys = [key for key in COLUMNS if any(key in row for row in rows)]
    lines = [" ".join([f"{'what':44}", *(f"{COLUMNS[key]:>{max(9, len(COLUMNS[key]))}}" for key in keys)])]
    for row in rows:
        cell = lambda key: f"{row[key]:.3f}" if isinstance(row.get(key), float) else str(row.get(key, "–"))
        cells = [row["missing"]] if "missing" in row else [f"{cell(key):>{max(9, len(COLUMNS[key]))}}" for key in keys]
        lines.append(" ".join([f"{row['what']:44}", *cells]))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("noodle2")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--peer-trials", type=int, default=40, help="how many of these the other means run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    noodle2 = str(pathlib.Path(options.noodle2).resolve())
    options.peers = options.peers and options.peers.resolve()
    rows = [starting(noodle2)]
    if (SHARED / "designs").is_dir():
        with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch:
            rows += against_others(noodle2, "aes", "aes_buffered", "nangate45", options, pathlib.Path(scratch))
            rows += against_others(noodle2, "gcd", "gcd", "asap7", options, pathlib.Path(scratch))
    else:
        print("bench: SKIPPED: ../shared is not there: nothing is measured on its designs", file=sys.stderr)
    print(table(rows))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"trials": options.trials, "workers": options.workers, "figures": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

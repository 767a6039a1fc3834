#!/usr/bin/env python3
"""Measures Noodle 2 against the same scripts run by other means, side by side in one run.

    bench/bench.py NOODLE2 [--trials N] [--workers N] [--peers FOLDER] [--json FILE]

Every figure is of whole processes: seconds on the clock and of processor time, children included. The other side
runs the very scripts that Noodle 2 left in the folders of its attempts, each in a copy of its folder. A ratio
compares two figures of one run of this program: machines differ, and differ from hour to hour.

A peer that is not installed in FOLDER (a virtual environment) is reported as missing, never left out in silence.
Nothing here is part of the product.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


def used() -> float:
    """Processor seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(arguments: list[str], **options) -> dict:
    """Runs a command to its end, which must be a good one."""
    before, began = used(), time.monotonic()
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    figures = {"wall_s": time.monotonic() - began, "cpu_s": used() - before}
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(arguments[:4])} … ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return figures


def study(folder: pathlib.Path, name: str, design: str, platform: str, trials: int) -> pathlib.Path:
    """A study of one stage whose trials resize a few cells each, without trying and taking back."""
    base = SHARED / "designs" / f"{design}.{platform}"
    top = next(line.split(":")[1].strip() for line in (base / "design.txt").read_text().splitlines() if line.startswith("top"))
    cells = list(range(1, 11))
    paths = list(range(1, -(-trials // len(cells)) + 1))
    text = f"""name: {name}
safety_domain: sandbox
design:
  case_name: {name}
  top: {top}
  netlists: [{base / 'netlist.v'}]
  platform: {platform}
  platform_root: {SHARED / 'pdk' / platform}
  unconstrained_endpoints: 100000
scenes: [{{name: typical, sdc: [{base / 'constraints.sdc'}]}}]
engine: {{kind: opensta, audit: 0}}
objective: {{rank: [setup_wns_ps, setup_tns_ps]}}
stages:
  - name: resize
    trials: {trials}
    ecos:
      - name: upsize_critical
        parameters: {{max_cells: {cells}, paths: {paths}, portions: 1, verify: false}}
"""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def scripts_of(run: pathlib.Path, into: pathlib.Path) -> list[pathlib.Path]:
    """Copies of the folders of all trials of a run, as they were before they ran."""
    folders = []
    for attempt in sorted(run.glob("trials/*/1")):
        if attempt.parent.name.endswith("_0_0"):
            continue
        copy = into / attempt.parent.name
        copy.mkdir(parents=True)
        shutil.copy(attempt / "script.tcl", copy)
        shutil.copytree(attempt / "eco", copy / "eco")
        folders.append(copy)
    return folders


def cold_by_xargs(folders: list[pathlib.Path], workers: int) -> dict:
    command = f"xargs -P {workers} -I @ sh -c 'cd @ && exec sta -no_init -no_splash -exit script.tcl > sta.log 2>&1'"
    listed = "\n".join(str(folder) for folder in folders)
    return timed(["sh", "-c", command], input=listed)


RAY_LOOP = """
import subprocess, sys, ray
ray.init(num_cpus=int(sys.argv[1]), include_dashboard=False, log_to_driver=False)
@ray.remote(num_cpus=1)
def trial(folder):
    with open(folder + '/sta.log', 'w') as log:
        return subprocess.call(['sta', '-no_init', '-no_splash', '-exit', 'script.tcl'], cwd=folder, stdout=log, stderr=log)
assert set(ray.get([trial.remote(line.strip()) for line in open(sys.argv[2])])) == {0}
"""

SNAKEFILE = """
folders = open('folders.txt').read().split()
rule all:
    input: [folder + '/result.tsv' for folder in folders]
rule trial:
    output: '{folder}/result.tsv'
    shell: 'cd {wildcards.folder} && sta -no_init -no_splash -exit script.tcl > sta.log 2>&1'
"""


def peers(folder: pathlib.Path | None) -> dict:
    """The programs of other systems that are there, by name."""
    found = {}
    for name, program in (("ray", "ray"), ("hyperqueue", "hq"), ("snakemake", "snakemake")):
        path = folder / "bin" / program if folder else None
        found[name] = path if path and path.exists() else None
    return found


def by_ray(program: pathlib.Path, folders: list[pathlib.Path], workers: int, scratch: pathlib.Path) -> dict:
    listing = scratch / "folders.txt"
    listing.write_text("\n".join(map(str, folders)))
    loop = scratch / "loop.py"
    loop.write_text(RAY_LOOP)
    # Ray's own processes are no children of ours: only the clock is comparable.
    figures = timed([str(program.parent / "python"), str(loop), str(workers), str(listing)])
    return {"wall_s": figures["wall_s"]}


def by_snakemake(program: pathlib.Path, folders: list[pathlib.Path], workers: int, scratch: pathlib.Path) -> dict:
    (scratch / "folders.txt").write_text("\n".join(map(str, folders)))
    (scratch / "Snakefile").write_text(SNAKEFILE)
    return timed([str(program), "--cores", str(workers), "--quiet", "all"], cwd=scratch)


def by_hyperqueue(program: pathlib.Path, folders: list[pathlib.Path], workers: int, scratch: pathlib.Path) -> dict:
    listing = scratch / "folders.txt"
    listing.write_text("\n".join(map(str, folders)) + "\n")
    environment = {**os.environ, "HQ_SERVER_DIR": str(scratch / "server")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    server = subprocess.Popen([str(program), "server", "start"], **quiet)
    try:
        for _ in range(100):
            if subprocess.run([str(program), "server", "info"], **quiet).returncode == 0:
                break
            time.sleep(0.1)
        worker = subprocess.Popen([str(program), "worker", "start", "--cpus", str(workers)], **quiet)
        one = 'cd "$HQ_ENTRY" && exec sta -no_init -no_splash -exit script.tcl > sta.log 2>&1'
        words = [str(program), "submit", "--wait", "--each-line", str(listing), "--stdout", "none", "--stderr", "none", "sh", "-c", one]
        figures = timed(words, env=environment)
        subprocess.run([str(program), "worker", "stop", "all"], **quiet)
        worker.wait(20)
        return {"wall_s": figures["wall_s"]}
    finally:
        subprocess.run([str(program), "server", "stop"], **quiet)
        server.wait(20)


def check_whole(folders: list[pathlib.Path], who: str) -> None:
    """What was compared did the whole work."""
    for folder in folders:
        result = folder / "result.tsv"
        if not result.exists() or not result.read_text().splitlines()[-1].startswith("end\t"):
            raise SystemExit(f"bench: {who} left no whole result in {folder}")


def against_others(noodle2: str, name: str, design: str, platform: str, options, scratch: pathlib.Path) -> list[dict]:
    """One design: Noodle 2 with forks and without, and the same scripts by other means."""
    workers, trials = options.workers, options.trials
    path = study(scratch, name, design, platform, trials)
    rows, runs = [], {}
    for mode in ("warm", "cold"):
        if mode == "cold" and name != "gcd":
            continue
        out = scratch / f"{name}-{mode}"
        words = [noodle2, "run", str(path), "--out", str(out), "-j", str(workers), "--quiet", "--engine-mode", mode, "--no-cache"]
        runs[mode] = timed(words)
        rows.append({"what": f"{name}: noodle2, {mode}", **runs[mode]})
    count = None
    means = [("xargs", cold_by_xargs)]
    for peer, program in peers(options.peers).items():
        run_by = {"ray": by_ray, "snakemake": by_snakemake, "hyperqueue": by_hyperqueue}[peer]
        means.append((peer, (lambda folders, workers, run_by=run_by, program=program, peer=peer:
                             run_by(program, folders, workers, scratch / f"{name}-{peer}")) if program else None))
    for who, run_by in means:
        if run_by is None:
            rows.append({"what": f"{name}: {who}", "missing": "not installed"})
            continue
        folders = scripts_of(scratch / f"{name}-warm", scratch / f"{name}-{who}")
        figures = run_by(folders, workers)
        check_whole(folders, who)
        count = len(folders)
        rows.append({"what": f"{name}: {who}, cold", **figures, "noodle2_is_faster_by": figures["wall_s"] / runs["warm"]["wall_s"]})
    for row in rows:
        if count and "wall_s" in row:
            row["trials_per_s"] = count / row["wall_s"]
    return rows


def starting(noodle2: str) -> dict:
    """How long the program takes to say what it can."""
    times = []
    for _ in range(20):
        began = time.monotonic()
        subprocess.run([noodle2, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - began)
    return {"what": "noodle2 --help, median of 20", "wall_s": statistics.median(times)}


def table(rows: list[dict]) -> str:
    lines = [f"{'what':44} {'wall s':>9} {'cpu s':>9} {'trials/s':>9} {'noodle2 faster by':>18}"]
    for row in rows:
        if "missing" in row:
            lines.append(f"{row['what']:44} {row['missing']}")
            continue
        number = lambda key: f"{row[key]:.3f}" if key in row else "–"
        lines.append(f"{row['what']:44} {number('wall_s'):>9} {number('cpu_s'):>9} {number('trials_per_s'):>9} {number('noodle2_is_faster_by'):>18}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("noodle2")
    parser.add_argument("--trials", type=int, default=60)
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

#!/usr/bin/env python3
"""Measures what the control plane of Noodle 2 itself costs, and what it costs others to start a program that does nothing.

    bench/controller.py NOODLE2 NOODLE2_MEASURE [--trials N] [--noops N] [--report-mib N] [--workers N]
                        [--hyperqueue PYTHON] [--json FILE]

`rows()` returns the figures; `bench.py` may call it. `trials` are synthetic: a real run is interrupted behind its base
case, and `noodle2-measure` gives its trials results that no engine measured, through the very controller and journal of
the product. `no-op` trials are real: a command ECO that copies its netlist, found to have changed nothing, in a folder of
its own with sealed artifacts. HyperQueue runs `/bin/cp` of the same file as often, by the package `hyperqueue` of the
interpreter that is named; where it is not there, it is reported as missing.

Memory is the most that one process held, as the kernel tells it. Nothing here is part of the product.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "examples" / "templates"

# An ECO that changes nothing.
COPY = """name: copy
version: 1
class: topology_neutral
engines: [opensta]
description: Changes nothing.
parameters:
  number: {description: Tells one trial from the other., type: integer, min: 1, max: 100000, default: 1}
changes_connectivity: false
implementation:
  command: [/bin/cp, "{netlist}", "{output}"]
"""

HYPERQUEUE = """
import pathlib, sys, time
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
workers, count, source, scratch = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=workers))
    client = cluster.client()
    began = time.monotonic()
    job = Job()
    for number in range(count):
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        job.program(["/bin/cp", source, "netlist.v"], cwd=folder, stdout=folder / "out", stderr=folder / "err")
    client.wait_for_jobs([client.submit(job)])
    print("@", time.monotonic() - began)
assert all((scratch / str(number) / "netlist.v").exists() for number in range(count))
"""


def measured(words: list, **options) -> dict:
    """Runs a command to its end: seconds on the clock and of its processor time, and the most memory that it held."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([str(word) for word in words], stdout=output, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return {
        "status": child.returncode,
        "output": text,
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_memory_mib": usage.ru_maxrss / 1024,
    }


def good(words: list, **options) -> dict:
    """As `measured`, of a command that must end well; without what it printed."""
    found = measured(words, **options)
    if found.pop("status") != 0:
        raise SystemExit(f"bench: {' '.join(map(str, words[:3]))} … failed:\n{found['output'][-2000:]}")
    del found["output"]
    return found


def study(folder: pathlib.Path, trials: int, ecos: str) -> pathlib.Path:
    eco = folder / "ecos" / "copy"
    eco.mkdir(parents=True)
    (eco / "eco.yaml").write_text(COPY)
    for name in ("counter.v", "constraints.sdc"):
        shutil.copy(TEMPLATES / name, folder)
    path = folder / "study.yaml"
    path.write_text(f"""name: many
safety_domain: sandbox
eco_path: [ecos]
design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}
engine: {{kind: opensta, audit: 0}}
objective: {{rank: [setup_wns_ps, area_um2]}}
stages:
  - name: many
    trials: {trials}
    proposer: {{kind: random}}
    ecos: [{ecos}]
""")
    return path


def interrupted_run(noodle2: str, folder: pathlib.Path, trials: int) -> pathlib.Path:
    """A real run of that many trials that was interrupted soon after they were proposed."""
    resize = "{name: upsize_critical, parameters: {max_cells: {from: 1, to: 2000}, paths: {from: 1, to: 500}}}"
    path, run = study(folder / "study", trials, resize), folder / "run"
    words = [noodle2, "run", str(path), "--out", str(run), "--workers", "1", "--quiet", "--no-cache"]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    # The base case is measured before anything is proposed, and all is proposed at once.
    proposed = re.compile(rb'"trial":"0_[1-9]')
    while not proposed.search(tail(run / "journal.ndjson")) and child.poll() is None:
        if time.monotonic() > deadline:
            raise SystemExit("bench: the run did not get to its trials")
        time.sleep(0.05)
    for _ in range(2):
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        time.sleep(0.2)
    child.wait(120)
    return run


def tail(path: pathlib.Path) -> bytes:
    """The last bytes of a file, as far as it is there."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read()
    except FileNotFoundError:
        return b""


def synthetic(noodle2: str, measure: str, trials: int, scratch: pathlib.Path) -> list[dict]:
    """Trials without an engine, and what it takes to look at them and to take them up again."""
    run = interrupted_run(noodle2, scratch, trials)
    rows = [{"what": f"status of {trials} queued trials", **good([noodle2, "status", run])}]
    few = trials // 50
    # Some are left: what has ended would not be taken up again.
    for count, ready in ((few, 1), (trials - 2 * few, 64)):
        words = [measure, "trials", run, str(count), str(ready)]
        told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
        rows.append({"what": f"synthetic trials, {ready} ready at once", **told})
    rows.append({"what": f"journal of {trials} trials read and folded", **json.loads(
        subprocess.run([measure, "open", run], stdout=subprocess.PIPE, check=True).stdout)})
    rows.append({"what": f"status of {trials} ended trials", **good([noodle2, "status", run])})
    rows[-1]["journal_mib"] = (run / "journal.ndjson").stat().st_size / 2**20
    return rows


def no_ops(noodle2: str, trials: int, workers: int, hyperqueue: str | None, scratch: pathlib.Path) -> list[dict]:
    """Real trials that do nothing, durable and captured."""
    path = study(scratch / "noop", trials, "{name: copy, parameters: {number: {from: 1, to: 100000}}}")
    run = scratch / "noops"
    words = [noodle2, "run", path, "--out", run, "--workers", workers, "--quiet", "--no-cache"]
    # A stage whose trials all change nothing passes its parent on.
    ours = good(words)
    rows = [{"what": f"{trials} no-op trials: noodle2", **ours, "trials_per_s": trials / ours["wall_s"]}]
    what = f"{trials} no-op tasks: hyperqueue"
    if hyperqueue is None:
        return rows + [{"what": what, "missing": "not installed (--hyperqueue)"}]
    words = [hyperqueue, "-c", HYPERQUEUE, workers, trials, path.parent / "counter.v", scratch / "hq"]
    theirs = measured(words)
    told = [line.split()[1] for line in theirs["output"].splitlines() if line.startswith("@ ")]
    if theirs["status"] != 0 or not told:
        return rows + [{"what": what, "missing": f"it failed: {theirs['output'][-300:]}"}]
    # From the submission on, when server and worker stand; ours begins with nothing.
    wall = float(told[0])
    rows.append({"what": what, "wall_s": wall, "trials_per_s": trials / wall,
                 "noodle2_is_faster_by": wall / ours["wall_s"]})
    return rows


def reports(noodle2: str, measure: str, mib: int, scratch: pathlib.Path) -> list[dict]:
    """A long timing report, every path of which ends elsewhere."""
    path = scratch / "checks.rpt"
    with open(path, "wb") as file:
        subprocess.run([measure, "report", str(mib << 20)], stdout=file, check=True)
    size = path.stat().st_size / 1e6
    # Once to have it in memory: the reader is measured, not the disk.
    good([noodle2, "timing-report", path])
    found = good([noodle2, "timing-report", path])
    return [{"what": f"timing report of {size:.0f} MB", **found, "mb_per_s": size / found["wall_s"]}]


def starting(noodle2: str) -> dict:
    found = [good([noodle2, "--help"]) for _ in range(20)]
    return {"what": "noodle2 --help, median of 20", "wall_s": statistics.median(row["wall_s"] for row in found),
            "peak_memory_mib": max(row["peak_memory_mib"] for row in found)}


def rows(noodle2: str, measure: str, trials: int = 100_000, noops: int = 500, report_mib: int = 1024,
         workers: int = 2, hyperqueue: str | None = None) -> list[dict]:
    """All figures."""
    found = [starting(noodle2)]
    with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch:
        found += reports(noodle2, measure, report_mib, pathlib.Path(scratch))
    with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch:
        found += no_ops(noodle2, noops, workers, hyperqueue, pathlib.Path(scratch))
    with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch:
        found += synthetic(noodle2, measure, trials, pathlib.Path(scratch))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("noodle2")
    parser.add_argument("measure")
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--noops", type=int, default=500)
    parser.add_argument("--report-mib", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hyperqueue", help="the interpreter of a virtual environment with the package hyperqueue")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    noodle2, measure = (str(pathlib.Path(program).resolve()) for program in (options.noodle2, options.measure))
    found = rows(noodle2, measure, options.trials, options.noops, options.report_mib, options.workers, options.hyperqueue)
    for row in found:
        figures = [f"{key} {value:.4g}" for key, value in row.items() if isinstance(value, (int, float))]
        print(f"{row['what']}: {row.get('missing') or ', '.join(figures)}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"figures": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()

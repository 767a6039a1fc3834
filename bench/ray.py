#!/usr/bin/env python3
"""Measures what a run on a Ray cluster costs over bare Ray, and how well its slots are used with more and more nodes.

    bench/ray.py NOODLE2 ENVIRONMENT [--trials N] [--slots N] [--nodes 1,2,4] [--each N] [--times N] [--json FILE]

ENVIRONMENT is a virtual environment with Ray and this project's package, as `scripts/ray.sh` makes it. Clusters are made of
this machine: each node is what `ray start` makes of one, and offers as many processors as it is told to. Every figure is the
best of several, since other work on the machine only makes it worse.

- *over bare Ray*: trials whose ECO is `/bin/cp` by Noodle 2, and as many calls of as many actors of Ray which start
  `/bin/cp` in a folder of their own, all handed over at once. From the first submission to the last end.
- *efficiency*: trials that sleep, so that the processors of this machine do not count: seconds that were slept over the
  seconds that the slots were there. The start is told apart: it takes processors, and here all nodes share those of one machine.

Nothing here is part of the product.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import tempfile
import time

from controller import study

SLEEP = """name: copy
version: 1
class: topology_neutral
engines: [opensta]
description: Sleeps, and changes nothing.
parameters:
  number: {description: Tells one trial from the other., type: integer, min: 1, max: 100000, default: 1}
changes_connectivity: false
implementation:
  command: [/bin/sh, -c, "sleep SECONDS; exec cp \\"$0\\" \\"$1\\"", "{netlist}", "{output}"]
"""

BARE = """
import asyncio, os, subprocess, sys, time, ray
ray.init(log_to_driver=False, logging_level="ERROR")
slots, count, source, scratch = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
@ray.remote(num_cpus=1)
class Slot:
    def there(self):
        pass
    def trial(self, number):
        folder = f"{scratch}/{number}"
        os.makedirs(folder)
        return subprocess.run(["/bin/cp", source, folder + "/rewritten.v"], cwd=folder).returncode
actors = [Slot.remote() for _ in range(slots)]
ray.get([actor.there.remote() for actor in actors])
began = time.monotonic()
assert set(ray.get([actors[number % slots].trial.remote(number) for number in range(count)])) == {0}
print("@", time.monotonic() - began)
"""

TRIALS = "{name: copy, parameters: {number: {from: 1, to: 100000}}}"


class Cluster:
    """A head and nodes, under addresses of this machine's own network; ended with all that they started."""

    def __init__(self, environment: pathlib.Path, nodes: int, processors: int):
        self.programs = environment.resolve() / "bin"
        # Sockets of Ray lie deep below, and the kernel takes 107 bytes of a path.
        self.scratch = tempfile.TemporaryDirectory(prefix="n2b-", dir="/tmp", ignore_cleanup_errors=True)
        # Nodes have disks of their own; here theirs is memory, so that it is not the controller's that they use.
        memory = pathlib.Path("/dev/shm")
        self.nodes_scratch = tempfile.TemporaryDirectory(prefix="n2b-", dir=memory if memory.is_dir() else None,
                                                         ignore_cleanup_errors=True)
        self.mark = secrets.token_hex(8)
        self.port, client = free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "RAY_ADDRESS": f"{self.host(1)}:{self.port}",
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "NOODLE2_BENCH": self.mark,
            "NOODLE2_RAY_PYTHON": str(self.programs / "python"),
        }
        try:
            head = ["--head", "--port", str(self.port), "--ray-client-server-port", str(client), "--include-dashboard=false"]
            self.start(1, processors, head)
            for number in range(2, nodes + 1):
                self.start(number, processors, ["--address", self.environment["RAY_ADDRESS"]])
        except BaseException:
            self.end()
            raise

    def host(self, number: int) -> str:
        return f"127.{self.port >> 8}.{self.port & 255}.{number}"

    def start(self, number: int, processors: int, words: list[str]) -> None:
        folder = pathlib.Path(self.scratch.name, str(number))
        folder.mkdir()
        words = [self.programs / "ray", "start", "--node-ip-address", self.host(number), "--num-cpus", str(processors), *words]
        # What the object store holds is taken of this machine's memory for each node.
        words += ["--object-store-memory", "300000000", "--temp-dir", folder, "--dashboard-agent-listen-port", "0"]
        words += ["--include-log-monitor=false"]
        subprocess.run(words, env=self.environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def end(self) -> None:
        for _ in range(50):
            ours = self.processes()
            for process in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if not ours:
                break
            time.sleep(0.1)
        self.scratch.cleanup()
        self.nodes_scratch.cleanup()

    def processes(self) -> list[int]:
        """Everything that this cluster started: by what stands in its environment."""
        wanted, found = f"NOODLE2_BENCH={self.mark}".encode(), []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if wanted in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_) -> None:
        self.end()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def instant(text: str) -> float:
    """Seconds of a time in a record; fractions of any length."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{fraction or 0}")


def run(cluster: Cluster | None, noodle2: str, path: pathlib.Path, out: pathlib.Path, slots: int) -> dict:
    """Runs a study; when its trials were submitted and ended, by its journal, in seconds from the start of the command."""
    words = [noodle2, "run", str(path), "--out", str(out), "--quiet", "--no-cache", "--workers", str(slots)]
    environment = dict(os.environ)
    if cluster:
        words += ["--executor", "ray", "--ray-scratch", cluster.nodes_scratch.name]
        environment = cluster.environment
    began = time.time()
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ended = time.time()
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    submitted, finished, first = [], [], None
    for line in (out / "journal.ndjson").read_text().splitlines():
        record = json.loads(line)
        event, at = record["event"], instant(record["at"]) - began
        if event["type"] == "attempt_started":
            first = at if first is None else first
            if event["attempt"]["trial"] != "0_0":
                submitted.append(at)
        if event["type"] == "attempt_finished" and event["attempt"]["trial"] != "0_0":
            assert event["outcome"] == "no_effect", event
            finished.append(at)
    return {"first_s": first, "submitted": sorted(submitted), "finished": sorted(finished), "wall_s": ended - began}


def worked(out: pathlib.Path, began: float) -> list[tuple[float, float]]:
    """When the trials of a run began and ended on their nodes."""
    found = []
    for file in out.glob("trials/*/1/provenance.json"):
        told = json.loads(file.read_text())
        if told.get("eco"):
            found.append((instant(told["started_at"]) - began, instant(told["ended_at"]) - began))
    return sorted(found)


def over_bare_ray(noodle2: str, environment: pathlib.Path, trials: int, slots: int, times: int) -> list[dict]:
    """Milliseconds for each of many trials that do nothing, on one node and without a cluster, and by bare Ray."""
    found: dict[str, list[float]] = {"bare Ray": [], "noodle2 on Ray": [], "noodle2 on Ray, second half": [], "noodle2, no cluster": []}
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch, Cluster(environment, 1, slots) as cluster:
            place = pathlib.Path(scratch)
            path = study(place / "study", trials, TRIALS)
            words = [cluster.programs / "python", "-c", BARE, str(slots), str(trials), path.parent / "counter.v", place / "bare"]
            told = subprocess.run(words, env=cluster.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
            found["bare Ray"].append(1000 * float(told.rpartition("@")[2]) / trials)
            for what, where in (("noodle2 on Ray", cluster), ("noodle2, no cluster", None)):
                seen = run(where, noodle2, path, place / what.replace(" ", "-"), slots)
                assert len(seen["finished"]) == trials
                found[what].append(1000 * (seen["finished"][-1] - seen["submitted"][0]) / trials)
                if where:
                    half = seen["finished"][trials // 2 - 1 :]
                    found["noodle2 on Ray, second half"].append(1000 * (half[-1] - half[0]) / (len(half) - 1))
    best = {what: min(figures) for what, figures in found.items()}
    rows = [{"what": f"{trials} no-op trials, {slots} slots: {what}", "ms_per_trial": best[what], "all_ms": found[what]} for what in found]
    rows.append({"what": "noodle2 on Ray over bare Ray", "ms_per_trial": best["noodle2 on Ray"] - best["bare Ray"]})
    return rows


def efficiency(noodle2: str, environment: pathlib.Path, nodes: int, each: int, seconds: float, times: int) -> dict:
    """How much of the time of all slots trials that sleep take up, on nodes of 8 processors."""
    slots = 8 * nodes
    rows = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="noodle2-bench-") as scratch, Cluster(environment, nodes, 8) as cluster:
            place = pathlib.Path(scratch)
            path = study(place / "study", slots * each, TRIALS)
            (path.parent / "ecos" / "copy" / "eco.yaml").write_text(SLEEP.replace("SECONDS", f"{seconds:g}"))
            began = time.time()
            seen = run(cluster, noodle2, path, place / "run", slots)
            spans = worked(place / "run", began)
            makespan = seen["finished"][-1] - seen["submitted"][0]
            # From when each slot had a trial until none was left to be handed out.
            full = next((start for start, _ in spans if sum(a <= start < b for a, b in spans) == slots), None)
            row = {"nodes": nodes, "slots": slots, "trials": len(spans), "start_s": seen["first_s"], "makespan_s": makespan,
                   "efficiency": len(spans) * seconds / (makespan * slots), "wall_s": seen["wall_s"]}
            last = spans[-1][0]
            if full is not None and last > full:
                slept = sum(max(0.0, min(b, last) - max(b - seconds, full)) for _, b in spans)
                row.update(slots_up_s=full - seen["submitted"][0], steady_s=last - full,
                           steady_efficiency=slept / ((last - full) * slots))
            rows.append(row)
    best = max(rows, key=lambda row: row["efficiency"])
    return {"what": f"{nodes} nodes of 8 slots, {slots * each} trials of {seconds:g} s", **best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("noodle2")
    parser.add_argument("environment", type=pathlib.Path)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--nodes", default="1,2,4")
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    noodle2 = str(pathlib.Path(options.noodle2).resolve())
    rows = []

    def told(row: dict) -> None:
        figures = [f"{key} {value:.4g}" for key, value in row.items() if isinstance(value, (int, float))]
        print(f"{row['what']}: {', '.join(figures)}", flush=True)
        rows.append(row)

    if options.trials:
        for row in over_bare_ray(noodle2, options.environment, options.trials, options.slots, options.times):
            told(row)
    for nodes in filter(None, options.nodes.split(",")):
        told(efficiency(noodle2, options.environment, int(nodes), options.each, options.seconds, options.times))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"figures": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

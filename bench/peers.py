"""The same scripts by other means: each runs all `script.tcl` in given folders, by plain `sta`, at most as many at once.

Ray and HyperQueue come with their Python packages, Snakemake with its program. Nothing here is part of the product.
"""

from __future__ import annotations

import pathlib
import subprocess

from measuring import timed

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

HYPERQUEUE_LOOP = """
import sys
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=int(sys.argv[1])))
    client = cluster.client()
    job = Job()
    for folder in map(str.strip, open(sys.argv[2])):
        job.program(['sta', '-no_init', '-no_splash', '-exit', 'script.tcl'], cwd=folder,
                    stdout=folder + '/sta.log', stderr=folder + '/sta.err')
    client.wait_for_jobs([client.submit(job)])
"""


def installed(environment: pathlib.Path | None) -> dict:
    """How each system of a virtual environment runs scripts; `None` for one that is not there."""
    python = environment / "bin" / "python" if environment else None

    def has(package: str) -> bool:
        words = [str(python), "-c", f"import {package}"]
        return bool(python and python.exists()) and subprocess.run(words, capture_output=True).returncode == 0

    snakemake = environment / "bin" / "snakemake" if environment else None
    loop = lambda text: lambda folders, workers, scratch: by_loop(python, text, folders, workers, scratch)
    return {
        "ray": loop(RAY_LOOP) if has("ray") else None,
        "hyperqueue": loop(HYPERQUEUE_LOOP) if has("hyperqueue") else None,
        "snakemake": (lambda *rest: by_snakemake(snakemake, *rest)) if snakemake and snakemake.exists() else None,
    }


def by_loop(python: pathlib.Path, text: str, folders: list[pathlib.Path], workers: int, scratch: pathlib.Path) -> dict:
    listing, loop = scratch / "folders.txt", scratch / "loop.py"
    listing.write_text("\n".join(map(str, folders)))
    loop.write_text(text)
    # Their own processes are no children of ours: only the clock is comparable.
    figures = timed([str(python), str(loop), str(workers), str(listing)])
    return {"wall_s": figures["wall_s"]}


def by_snakemake(program: pathlib.Path, folders: list[pathlib.Path], workers: int, scratch: pathlib.Path) -> dict:
    (scratch / "folders.txt").write_text("\n".join(map(str, folders)))
    (scratch / "Snakefile").write_text(SNAKEFILE)
    return timed([str(program), "--cores", str(workers), "--quiet", "all"], cwd=scratch)

"""Ends a cluster of a test, however the test ends: by its end, a panic, or a kill that no code of the test sees.

Arguments: the mark of the cluster and its folder. Standard input: a line for each thing of the kernel that must go,
`namespace NAME` or `link NAME`. Its end is the end of the cluster: every process of the cluster is killed, then all of
that is removed, then the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def belongs(process: Path, mark: bytes, folder: str) -> bool:
    """Whether a process is of the cluster: it works in its folder, or was started with its mark.

    Ray overwrites the environment of its agents with a title; a command that a worker started works elsewhere.
    """
    try:
        if (process / "cwd").readlink().is_relative_to(folder):
            return True
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def kill_all(mark: str, folder: str) -> None:
    """Kills until a look finds nobody: who is killed may have started another just before."""
    own = str(os.getpid())
    variable = f"NOODLE2_TEST_CLUSTER={mark}".encode()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [
            process
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and process.name != own and belongs(process, variable, folder)
        ]
        if not found:
            return
        for process in found:
            try:
                os.kill(int(process.name), signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def main() -> None:
    mark, folder = sys.argv[1:]
    things = [line.split() for line in sys.stdin]
    kill_all(mark, folder)
    for kind, name in things:
        command = ["ip", "netns", "del", name] if kind == "namespace" else ["ip", "link", "del", name]
        subprocess.run(command, check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


main()

"""`python -m noodle2_ray bridge` and `python -m noodle2_ray check`."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from pathlib import Path


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m noodle2_ray", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bridge", help="serve one run over stdin and stdout; `noodle2 run` starts it")
    checking = commands.add_parser(
        "check", help="print versions, and whether a cluster can be joined, as JSON"
    )
    checking.add_argument("--address", help="HOST:PORT of the cluster, or `auto`")
    checking.add_argument("--ray-insecure", action="store_true", help="join it even where others can")
    arguments = parser.parse_args()
    # Whatever Ray prints must not get between the frames, or before the line of JSON.
    out = os.dup(1)
    os.dup2(2, 1)
    # Ray prints pages about each node that dies; the bridge tells of it in a line.
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    if arguments.command == "bridge":
        kind = os.fstat(0).st_mode
        if not stat.S_ISFIFO(kind) and not stat.S_ISSOCK(kind):
            parser.error("the bridge's standard input is no pipe: `noodle2 run --executor ray` starts it")
        from .bridge import serve

        serve(0, out)
    from .check import check

    line, status = check(arguments.address, arguments.address is not None, arguments.ray_insecure)
    os.write(out, line.encode())
    return status


if __name__ == "__main__":
    sys.exit(main())

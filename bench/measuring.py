"""Whole processes and what they use. Nothing here is part of the product."""

from __future__ import annotations

import resource
import subprocess
import time


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

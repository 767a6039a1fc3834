"""`python -m noodle2_ray check`: what `noodle2 doctor` wants to know, as one line of JSON."""

from __future__ import annotations

import json
import sys

from . import __version__
from .connect import join, versions
from .protocol import VERSION
from .security import Refused


def check(address: str | None, reach: bool, allow_insecure: bool) -> tuple[str, int]:
    """Return the versions and, where `reach`, whether the cluster can be joined, as a line; and 1 where it cannot, or 0."""
    answer: dict[str, object] = {}
    status = 0
    if reach:
        try:
            cluster = join(address, allow_insecure, {"job_name": "noodle2 check"})
            import ray

            answer |= {
                "reachable": True,
                "address": cluster.address,
                "dashboard": cluster.dashboard,
                "nodes": sum(1 for node in ray.nodes() if node["Alive"]),
                "resources": ray.cluster_resources(),
            }
            ray.shutdown()
        except Refused as refused:
            status = 1
            answer |= {
                "reachable": False,
                "code": refused.code,
                "message": refused.message,
                "help": refused.help,
            }
    # Only now: Ray takes it when it is loaded whether a token is asked for, which joining tells it first.
    found = versions()
    if not reach and found["ray"] is None:
        status = 1
    known = {"package": __version__, "protocol": VERSION, **found, "executable": sys.executable}
    return json.dumps(known | answer) + "\n", status

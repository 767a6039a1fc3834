"""Coming to a cluster: find it, see that a study may be sent there, join it. Every reason why not has a code.

| code | means |
| --- | --- |
| N2-RAY-001 | Ray is not installed beside the bridge, or is too old |
| N2-RAY-002 | controller and bridge speak different protocols |
| N2-RAY-003 | there is no cluster to be reached |
| N2-RAY-004 | the cluster is open to others |
| N2-RAY-005 | the cluster runs another Ray or Python |
"""

from __future__ import annotations

import logging
import os
import platform
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .security import Refused, check, split_address, token_auth

OLDEST_RAY = (2, 52)
NAMESPACE = "noodle2"
_CONNECT_WITHIN_S = 5.0
PROBE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process has joined as a driver."""

    address: str
    dashboard: str | None
    node: str
    raylet_socket: str | None


def versions() -> dict[str, str | None]:
    """Return the versions of Ray, None where it cannot be loaded, and of Python."""
    try:
        import ray
    except ImportError:
        return {"ray": None, "python": platform.python_version()}
    return {"ray": ray.__version__, "python": platform.python_version()}


def need_ray() -> None:
    """Raise `Refused` where Ray cannot be loaded, or is too old."""
    found = versions()["ray"]
    oldest = ".".join(map(str, OLDEST_RAY))
    if found is None:
        raise Refused(
            "N2-RAY-001",
            f"Ray cannot be loaded by {sys.executable}",
            f"install the cluster's version of it: `{sys.executable} -m pip install 'ray[default]>={oldest}'`",
        )
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < OLDEST_RAY:
        raise Refused("N2-RAY-001", f"Ray {found} is older than {oldest}", f"use Ray {oldest} or later")


def join(address: str | None, allow_insecure: bool, metadata: dict[str, str]) -> Cluster:
    """Join the cluster at `address` (None: `RAY_ADDRESS`, else the one on this machine); `Refused` where that may not be.

    Nothing of a study is sent before it is known that the cluster is closed to others. No cluster is ever started.
    """
    environment = os.environ
    # A call that comes too late must not find Ray another cluster, or start one.
    environment["RAY_ENABLE_AUTO_CONNECT"] = "0"
    token = token_auth(environment, Path.home())
    if token:
        # Said to Ray before it is loaded, which is when it reads this.
        environment["RAY_AUTH_MODE"] = "token"
    need_ray()
    found = _find(address, environment)
    try:
        host, port = split_address(found)
    except ValueError as error:
        raise Refused(
            "N2-RAY-003", str(error), "give the address of the cluster's head, as `ray start` tells it"
        ) from error
    _knock(found, host, port)
    stranger = {name: value for name, value in environment.items() if not name.startswith("RAY_AUTH_")}
    stranger["RAY_AUTH_MODE"] = "disabled"
    check(found, allow_insecure, token, lambda: lets_in(found, stranger) is True)
    let_in = lets_in(found, environment)
    if let_in is None:
        raise Refused(
            "N2-RAY-003",
            f"what listens at {found} does not answer as a Ray cluster of this version does",
            "give the address of the cluster's head, as `ray start` tells it",
        )
    if not let_in:
        raise _unknown_token(found)
    return _init(found, metadata)


def _find(address: str | None, environment: Mapping[str, str]) -> str:
    wanted = address or environment.get("RAY_ADDRESS") or "auto"
    if wanted.startswith("ray://"):
        raise Refused(
            "N2-RAY-003",
            f"{wanted} is an address of Ray Client, by which slots cannot be kept",
            "run Noodle 2 on a machine of the cluster (one that offers no processors will do: "
            "`ray start --address=HOST:PORT --num-cpus=0`) and give HOST:PORT",
        )
    if wanted not in ("auto", "local"):
        return wanted
    from ray._private.services import get_ray_address_from_environment

    try:
        # What is set in `RAY_ADDRESS` was looked at above; this finds what runs on this machine.
        found = get_ray_address_from_environment("auto", None)
    except ConnectionError as error:
        raise Refused(
            "N2-RAY-003",
            "no Ray cluster runs on this machine",
            "start one (`ray start --head`), or name one by --ray-address or RAY_ADDRESS",
        ) from error
    return str(found)


def _knock(address: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), _CONNECT_WITHIN_S).close()
    except OSError as error:
        raise Refused(
            "N2-RAY-003",
            f"the Ray cluster at {address} cannot be reached: {error}",
            "see whether it runs (`ray status`); start one by `ray start --head`",
        ) from error


def lets_in(address: str, environment: Mapping[str, str]) -> bool | None:
    """Return whether the cluster lets in a process with this environment, None where nothing answers as a cluster does.

    Asked by another process, since Ray reads its mode but once, and at its first word, since Ray would try for 20 s.
    """
    program = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1]); print('open')"
    with subprocess.Popen(
        [sys.executable, "-c", program, address],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as probe:
        deadline = threading.Timer(PROBE_WITHIN_S, probe.kill)
        deadline.start()
        try:
            assert probe.stdout is not None
            for line in probe.stdout:
                if line.strip() == "open":
                    return True
                if "Unauthenticated" in line or "InvalidAuthToken" in line:
                    return False
        finally:
            deadline.cancel()
            probe.kill()
    return None


def _init(address: str, metadata: dict[str, str]) -> Cluster:
    import ray
    from ray.job_config import JobConfig

    try:
        context = ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            job_config=JobConfig(metadata=metadata),
        )
    except BaseException as error:
        raise _refusal(address, error) from error
    dashboard = getattr(context, "dashboard_url", None) or None
    node = ray.get_runtime_context().get_node_id()
    sockets = [other["RayletSocketName"] for other in ray.nodes() if other["NodeID"] == node]
    return Cluster(
        address,
        f"http://{dashboard}" if dashboard else None,
        node,
        str(sockets[0]) if sockets and sockets[0] else None,
    )


def _refusal(address: str, error: BaseException) -> Refused:
    text = _chain(error)
    if "Version mismatch" in text:
        found = re.findall(r"(Ray|Python): *(\S+)", text)
        theirs, ours = dict(found[:2]), dict(found[2:4])
        return Refused(
            "N2-RAY-005",
            f"the cluster at {address} runs Ray {theirs.get('Ray')} with Python {theirs.get('Python')}, "
            f"and the bridge Ray {ours.get('Ray')} with Python {ours.get('Python')}",
            "install the cluster's versions beside Noodle 2, or start the cluster with these",
        )
    if "AuthenticationError" in text or "InvalidAuthToken" in text:
        return _unknown_token(address)
    return Refused(
        "N2-RAY-003",
        f"the Ray cluster at {address} cannot be joined: {str(error).strip() or type(error).__name__}",
        "run Noodle 2 on a machine of the cluster, and see whether it runs (`ray status`); start one by "
        "`ray start --head`, join one by `ray start --address=HOST:PORT` (with --num-cpus=0 to offer nothing)",
    )


def _unknown_token(address: str) -> Refused:
    return Refused(
        "N2-RAY-003",
        f"the Ray cluster at {address} asks for a token, and does not know the one that it was given, if any",
        "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the token with which the cluster was "
        "started by `ray start`",
    )


def _chain(error: BaseException | None) -> str:
    texts: list[str] = []
    while error is not None:
        texts.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def describe(error: BaseException) -> str:
    """Return an exception of Ray in its first line, which is what people want to know of it."""
    # What a slot raised comes wrapped.
    error = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"

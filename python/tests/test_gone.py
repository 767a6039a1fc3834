"""A cluster that is gone, that is not there, that is another's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import ENVIRONMENT, Bridge, alive, check, kill, until

from noodle2_ray import connect

os.environ["RAY_AUTH_MODE"] = ENVIRONMENT["RAY_AUTH_MODE"]
cluster_utils = pytest.importorskip("ray.cluster_utils")


@pytest.fixture
def cluster() -> Iterator[Any]:
    made = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    yield made
    made.shutdown()


def test_a_head_that_is_killed_is_told(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        pid_file = tmp_path / "pid"
        bridge.submit("0_1.1", {"sleep": 1000, "pid_file": str(pid_file)})
        bridge.submit("0_2.1", {}, delay_s=100)
        sleeper = int(until(lambda: pid_file.exists() and pid_file.read_text()))
        address, began = cluster.address, time.monotonic()
        cluster.head_node.kill_gcs_server(check_alive=False)
        # One more slot is wanted, for whose name Ray asks the head.
        bridge.submit("0_3.1", {})
        gone = bridge.wait("gone")
        # Ray itself would end the process after 60 s, without a word.
        assert time.monotonic() - began < 20
        assert address in gone["message"]
        for attempt in ("0_1.1", "0_2.1", "0_3.1"):
            assert bridge.wait("lost", attempt=attempt)["cluster"] is True
        assert bridge.messages[-1] is gone
        assert bridge.end() == 3
        until(lambda: not alive(sleeper))


def test_a_local_node_that_is_killed_is_told(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        cluster.head_node.kill_raylet(check_alive=False)
        assert "node of this machine" in bridge.wait("gone")["message"]
        assert bridge.end() == 3


def test_what_is_not_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"127.0.0.1:{port}", "head.invalid:6379", "ray://127.0.0.1:10001", "nonsense"):
        refused = check(address)
        assert refused["code"] == "N2-RAY-003"
        assert "ray start" in refused["help"]


def test_what_is_no_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "PROBE_WITHIN_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert connect.lets_in(f"127.0.0.1:{server.getsockname()[1]}", ENVIRONMENT) is None


def test_a_cluster_with_a_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef" * 4)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    secured = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    folder = Path("/tmp") / f"n2ray{os.getpid()}"
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", f"--port={port}", "--num-cpus=1"]
    subprocess.run(
        [*start, "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"],
        env={**ENVIRONMENT, **secured},
        check=True,
        capture_output=True,
    )
    try:
        own = socket.gethostbyname(socket.gethostname())
        host = check(f"127.0.0.1:{port}", **secured)["address"].split(":")[0]
        assert host == "127.0.0.1"
        if not own.startswith("127."):
            assert check(f"{own}:{port}", **secured)["reachable"]
        # A token that is there says by itself that one is asked for.
        assert check(f"127.0.0.1:{port}", RAY_AUTH_MODE="", RAY_AUTH_TOKEN_PATH=str(token))["reachable"]
        wrong = check(f"127.0.0.1:{port}", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="fedcba9876543210" * 4)
        assert wrong["code"] == "N2-RAY-003"
        assert "token" in wrong["message"]
        assert check(f"127.0.0.1:{port}", RAY_AUTH_MODE="disabled")["code"] == "N2-RAY-003"
    finally:
        # `ray stop` would end all clusters of this machine.
        mine = subprocess.run(["pgrep", "-f", f"{folder}/"], capture_output=True, text=True, check=False)
        for pid in mine.stdout.split():
            kill(int(pid))
        shutil.rmtree(folder, ignore_errors=True)

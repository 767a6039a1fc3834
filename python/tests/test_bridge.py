"""The bridge as a process over its pipe, on a real cluster of this machine, with a stand-in runner."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import ENVIRONMENT, Bridge, alive, check, kill, parent, sha256, stand_in, until

from noodle2_ray.connect import versions

os.environ["RAY_AUTH_MODE"] = ENVIRONMENT["RAY_AUTH_MODE"]
cluster_utils = pytest.importorskip("ray.cluster_utils")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that offers nothing, and a node of 2 processors."""
    made = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    made.add_node(num_cpus=2, include_dashboard=False)
    yield made
    made.shutdown()


def test_an_attempt_brings_its_files(cluster: Any, tmp_path: Path) -> None:
    library = tmp_path / "library.lib"
    library.write_text("a library")
    snapshot = tmp_path / "snapshot"
    snapshot.write_text("a snapshot")
    files = [{"hash": sha256("a library"), "path": str(library)}]
    header = {"needs": [sha256("a library")]}
    with Bridge(tmp_path, cluster.address, files=files, header=header) as bridge:
        connected = bridge.wait("connected")
        assert bridge.messages[0] is connected
        assert connected["nodes"] == 2
        capacity = bridge.wait("capacity")
        assert (capacity["slots"], capacity["offered"]) == (0, 3)
        folder = bridge.submit(
            "0_1.1",
            {
                "needs": [sha256("a snapshot"), sha256("a library")],
                "files": {"a/b.txt": "one", "c.txt": "one", "same": "a snapshot"},
                "links": [{"path": "l", "target": "/somewhere"}],
            },
            files=[{"hash": sha256("a snapshot"), "path": str(snapshot)}],
        )
        started = bridge.wait("started", attempt="0_1.1")
        result = bridge.wait("result", attempt="0_1.1")
        assert result["result"]["given"] == ["a snapshot", "a library"]
        assert result["result"]["slots_on_node"] == 2
        assert result["node"] == started["node"]
        assert result["host"] == os.uname().nodename
        assert {file["path"]: file["hash"] for file in result["files"]} == {
            "a/b.txt": sha256("one"),
            "c.txt": sha256("one"),
            "same": sha256("a snapshot"),
        }
        assert (folder / "a/b.txt").read_text() == (folder / "c.txt").read_text() == "one"
        assert (folder / "same").read_text() == "a snapshot"
        assert result["links"] == [{"path": "l", "target": "/somewhere"}]
        assert not (folder / "l").exists()
        # What people see of it in the dashboard.
        logs = Path(cluster.head_node.get_session_dir_path()) / "logs"
        line = f"study1/base_0_0/0_1.1 attempt 0_1.1: measured nothing, artifacts in {os.uname().nodename}:{folder}"
        until(lambda: any(line in log.read_text() for log in logs.glob("worker-*.out")))
        # The next order of the slot finds the same process.
        bridge.submit("0_2.1", {})
        again = bridge.wait("result", attempt="0_2.1")
        assert again["result"]["pid"] == result["result"]["pid"]


def test_a_failure_is_a_result_to_the_controller_and_a_failed_task_to_ray(
    cluster: Any, tmp_path: Path
) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        folder = bridge.submit(
            "0_1.1", {"files": {"log": "why"}, "failure": "failed: tool_error: it ended with 3"}
        )
        result = bridge.wait("result", attempt="0_1.1")
        assert (folder / "log").read_text() == "why"
        logs = Path(cluster.head_node.get_session_dir_path()) / "logs"
        line = "attempt 0_1.1: failed: tool_error: it ended with 3, artifacts in "
        line += f"{os.uname().nodename}:{folder}"
        until(lambda: any(line in log.read_text() for log in logs.glob("worker-*.out")))
        # Slot and runner go on.
        bridge.submit("0_2.1", {})
        assert bridge.wait("result", attempt="0_2.1")["result"]["pid"] == result["result"]["pid"]


def test_another_runner_than_the_controller_has_is_replaced(cluster: Any, tmp_path: Path) -> None:
    sha = sha256(stand_in(tmp_path).read_bytes())
    other = tmp_path / "scratch" / "runners" / sha / "noodle2"
    other.parent.mkdir(parents=True)
    other.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    other.chmod(0o755)
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {})
        bridge.wait("result", attempt="0_1.1")
    assert sha256(other.read_bytes()) == sha
    assert not (tmp_path / "started").exists()


def test_files_that_are_not_there_are_told(cluster: Any, tmp_path: Path) -> None:
    missing = [{"hash": "h", "path": str(tmp_path / "missing")}]
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {}, files=missing)
        assert str(tmp_path / "missing") in bridge.wait("lost", attempt="0_1.1")["message"]
    with Bridge(tmp_path, cluster.address, files=missing) as bridge:
        assert bridge.wait("refused")["code"] == "N2-RAY-006"
        assert bridge.end() == 1


def test_a_trial_goes_where_its_parent_is_warm(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        runners: dict[str, set[int]] = {"a": set(), "b": set()}
        # Both slots are up, each with a parent of its own, before it is seen who goes where.
        for parent in runners:
            pid_file = str(tmp_path / parent)
            bridge.submit(f"8_{parent}.1", {"sleep": 1000, "pid_file": pid_file}, affinity=parent)
        until(lambda: all((tmp_path / parent).exists() for parent in runners))
        for parent in runners:
            bridge.send({"type": "cancel", "attempt": f"8_{parent}.1", "kill": False})
        for parent in runners:
            bridge.wait("result", attempt=f"8_{parent}.1")
        for n in range(8):
            # Now the one parent's trial is first, now the other's.
            for parent in ("a", "b") if n % 2 else ("b", "a"):
                bridge.submit(f"{n}_{parent}.1", {"sleep": 0.1, "pid_file": "/dev/null"}, affinity=parent)
            for parent, pids in runners.items():
                pids.add(bridge.wait("result", attempt=f"{n}_{parent}.1")["result"]["pid"])
        assert len(runners["a"]) == len(runners["b"]) == 1
        assert runners["a"] != runners["b"]


def test_a_file_outside_its_folder_is_not_written(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {"claims": ["../escaped"]})
        lost = bridge.wait("lost", attempt="0_1.1")
        assert "does not stay in its folder" in lost["message"]
        assert not (tmp_path / "attempts" / "escaped").exists()


def test_cancelling_ends_the_whole_tree(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        pid_file = tmp_path / "pid"
        for n in range(1, 4):
            bridge.submit(f"0_{n}.1", {"sleep": 1000, "pid_file": str(pid_file) if n == 1 else "/dev/null"})
        sleeper = int(until(lambda: pid_file.exists() and pid_file.read_text().strip()))
        assert alive(sleeper)
        # The third waits for a slot.
        bridge.wait("heartbeat", queued=1, running=2)
        bridge.send({"type": "cancel", "attempt": "0_3.1", "kill": False})
        lost = bridge.wait("lost", attempt="0_3.1")
        assert (lost["message"], lost["node"], lost["cluster"]) == ("cancelled before it began", None, False)
        bridge.send({"type": "cancel", "attempt": "0_1.1", "kill": True})
        assert bridge.wait("result", attempt="0_1.1")["result"]["said"] == "cancelled"
        until(lambda: not alive(sleeper))
        bridge.submit("0_4.1", {}, delay_s=60)
        bridge.send({"type": "cancel", "attempt": "0_4.1", "kill": False})
        assert bridge.wait("lost", attempt="0_4.1")["message"] == "cancelled before it began"


def test_a_runner_that_dies_is_lost_and_replaced(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address, most_slots=1) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {"exit": 7})
        lost = bridge.wait("lost", attempt="0_1.1")
        assert "with status 7" in lost["message"]
        assert "the stand-in was told to exit" in lost["message"]
        assert lost["node"] is not None
        bridge.submit("0_1.2", {"garbage": True, "sleep": 5, "pid_file": "/dev/null"})
        assert "broke the protocol" in bridge.wait("lost", attempt="0_1.2")["message"]
        bridge.submit("0_1.3", {})
        bridge.wait("result", attempt="0_1.3")


def test_a_worker_that_is_killed_is_lost_and_its_runner_ends(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {})
        runner = bridge.wait("result", attempt="0_1.1")["result"]["pid"]
        worker = parent(parent(runner))
        assert b"Noodle2Slot" in Path(f"/proc/{worker}/cmdline").read_bytes()
        pid_file = tmp_path / "pid"
        bridge.submit("0_2.1", {"sleep": 1000, "pid_file": str(pid_file)})
        sleeper = int(until(lambda: pid_file.exists() and pid_file.read_text().strip()))
        kill(worker)
        lost = bridge.wait("lost", attempt="0_2.1")
        assert "gone" in lost["message"]
        assert not lost["cluster"]
        until(lambda: not alive(runner) and not alive(sleeper))
        bridge.submit("0_2.2", {})
        bridge.wait("result", attempt="0_2.2")


def test_a_worker_that_hangs_is_given_up_when_it_is_killed(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        pid_file = tmp_path / "pid"
        bridge.submit("0_1.1", {})
        worker = parent(parent(bridge.wait("result", attempt="0_1.1")["result"]["pid"]))
        bridge.submit("0_2.1", {"sleep": 1000, "pid_file": str(pid_file)})
        until(lambda: pid_file.exists() and pid_file.read_text().strip())
        os.kill(worker, signal.SIGSTOP)
        try:
            bridge.send({"type": "cancel", "attempt": "0_2.1", "kill": True})
            assert "gave no answer" in bridge.wait("lost", attempt="0_2.1")["message"]
            # Its slot is never used again.
            bridge.submit("0_2.2", {})
            assert parent(parent(bridge.wait("result", attempt="0_2.2")["result"]["pid"])) != worker
        finally:
            os.kill(worker, signal.SIGCONT)
        until(lambda: not alive(worker))


def test_the_end_of_the_pipe_leaves_nothing(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {})
        runner = bridge.wait("result", attempt="0_1.1")["result"]["pid"]
        pid_file = tmp_path / "pid"
        bridge.submit("0_2.1", {"sleep": 1000, "pid_file": str(pid_file)})
        sleeper = int(until(lambda: pid_file.exists() and pid_file.read_text().strip()))
        assert bridge.process.stdin is not None
        bridge.process.stdin.close()
        assert bridge.end() == 0
        assert not alive(runner)
        assert not alive(sleeper)


def test_a_bridge_that_is_killed_leaves_nothing(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        pid_file = tmp_path / "pid"
        bridge.submit("0_1.1", {"sleep": 1000, "pid_file": str(pid_file)})
        sleeper = int(until(lambda: pid_file.exists() and pid_file.read_text().strip()))
        kill(bridge.process.pid)
        until(lambda: not alive(sleeper))
    # The next bridge of the run has the whole cluster.
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.2", {})
        bridge.wait("result", attempt="0_1.2")


def test_a_node_that_joins_is_used_one_that_dies_is_lost(cluster: Any, tmp_path: Path) -> None:
    with Bridge(tmp_path, cluster.address) as bridge:
        bridge.wait("connected")
        for n in range(1, 5):
            bridge.submit(f"0_{n}.1", {"sleep": 1000, "pid_file": str(tmp_path / f"pid{n}")})
        begun = [bridge.wait("started", attempt=f"0_{n}.1") for n in (1, 2)]
        assert len({told["node"] for told in begun}) == 1
        assert len({told["slot"] for told in begun}) == 2
        bridge.wait("heartbeat", running=2, queued=2)
        late = cluster.add_node(num_cpus=2, include_dashboard=False)
        joined = time.monotonic()
        bridge.wait("node", event="joined", node=late.node_id)
        started = {bridge.wait("started", attempt=f"0_{n}.1")["node"] for n in (3, 4)}
        assert started == {late.node_id}
        assert time.monotonic() - joined < 10
        bridge.wait("capacity", slots=4)
        files = [tmp_path / f"pid{n}" for n in (3, 4)]
        until(lambda: all(file.exists() and file.read_text() for file in files))
        sleepers = [int(file.read_text()) for file in files]
        cluster.remove_node(late, allow_graceful=False)
        for n in (3, 4):
            lost = bridge.wait("lost", attempt=f"0_{n}.1")
            assert (lost["node"], lost["cluster"]) == (late.node_id, False)
        bridge.wait("node", event="lost", node=late.node_id)
        until(lambda: not any(alive(sleeper) for sleeper in sleepers))
        # Those on the other node go on.
        assert not [m for m in bridge.messages if m["type"] == "lost" and m["attempt"] in ("0_1.1", "0_2.1")]


def test_a_node_that_refuses_gets_nothing_more(cluster: Any, tmp_path: Path) -> None:
    bad = cluster.add_node(num_cpus=4, include_dashboard=False, env_vars={"STAND_IN_REFUSES": "1"})
    try:
        with Bridge(tmp_path, cluster.address) as bridge:
            bridge.wait("connected")
            for n in range(1, 7):
                bridge.submit(f"0_{n}.1", {"sleep": 0.5, "pid_file": "/dev/null"})
            results = [bridge.wait("result", attempt=f"0_{n}.1") for n in range(1, 7)]
            refused = bridge.wait("node", event="refused")
            assert refused["node"] == bad.node_id
            assert refused["code"] == "N2-ENG-001"
            assert bad.node_id not in {result["node"] for result in results}
            assert not [message for message in bridge.messages if message["type"] == "lost"]
            bridge.wait("capacity", offered=3)
    finally:
        cluster.remove_node(bad)


def test_when_all_nodes_refuse_nothing_is_offered(cluster: Any, tmp_path: Path) -> None:
    bad = cluster.add_node(
        num_cpus=1, resources={"licence": 1}, include_dashboard=False, env_vars={"STAND_IN_REFUSES": "1"}
    )
    try:
        request = {"cpus": 1, "memory_bytes": None, "resources": {"licence": 1}}
        with Bridge(tmp_path, cluster.address, request=request) as bridge:
            bridge.wait("connected")
            bridge.submit("0_1.1", {})
            bridge.wait("node", event="refused", node=bad.node_id)
            bridge.wait("capacity", offered=0)
            bridge.wait("log", level="warning")
    finally:
        cluster.remove_node(bad)


def test_what_nothing_can_hold_is_said(cluster: Any, tmp_path: Path) -> None:
    request = {"cpus": 1, "memory_bytes": None, "resources": {"unicorn": 1}}
    with Bridge(tmp_path, cluster.address, request=request) as bridge:
        bridge.wait("connected")
        bridge.submit("0_1.1", {})
        warning = bridge.wait("log", level="warning")
        assert "1 CPU, 1 unicorn" in warning["message"]


def test_what_is_not_to_be_used_is_refused(cluster: Any, tmp_path: Path) -> None:
    host, port = cluster.address.split(":")
    reached = check(f"127.0.0.1:{port}")
    assert reached["reachable"]
    assert reached["nodes"] == 2
    # The same, by an address that others could know it by.
    assert not host.startswith("127.")
    refused = check(cluster.address)
    assert refused["code"] == "N2-RAY-004"
    # That this process has a token makes the cluster no safer: it lets in who has none.
    refused = check(cluster.address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0123456789abcdef" * 2)
    assert refused["code"] == "N2-RAY-004"
    assert "lets everyone in" in refused["message"]
    with Bridge(tmp_path, cluster.address, allow_insecure=False) as bridge:
        assert bridge.wait("refused")["code"] == "N2-RAY-004"
        assert bridge.end() == 1
    with Bridge(tmp_path, cluster.address, protocol=2) as bridge:
        assert bridge.wait("refused")["code"] == "N2-RAY-002"
        assert bridge.end() == 1


def test_a_cluster_of_other_versions_is_refused(cluster: Any) -> None:
    from ray._raylet import GcsClient

    # What Ray itself compares, as a cluster of other versions would have written it.
    client = GcsClient(address=cluster.address)
    key, namespace = b"CLUSTER_METADATA", b"cluster"
    own = client.internal_kv_get(key, namespace)
    other = json.dumps({"ray_version": "2.53.0", "python_version": "3.12.1", "ray_init_cluster": False})
    client.internal_kv_put(key, other.encode(), True, namespace)
    try:
        refused = check(f"127.0.0.1:{cluster.address.split(':')[1]}")
    finally:
        client.internal_kv_put(key, own, True, namespace)
    assert refused["code"] == "N2-RAY-005"
    assert "Ray 2.53.0 with Python 3.12.1" in refused["message"]
    assert f"Ray {versions()['ray']} with Python {versions()['python']}" in refused["message"]


def test_runs_share_by_their_weights(cluster: Any, tmp_path: Path) -> None:
    more = cluster.add_node(num_cpus=2, include_dashboard=False)
    try:
        heavy_folder, light_folder = tmp_path / "heavy", tmp_path / "light"
        heavy_folder.mkdir()
        light_folder.mkdir()
        with (
            Bridge(light_folder, cluster.address, run="light", weight=1) as light,
            Bridge(heavy_folder, cluster.address, run="heavy", weight=3) as heavy,
        ):
            for bridge in (light, heavy):
                bridge.wait("connected")
            # The light one is there first, and takes all.
            for n in range(40):
                light.submit(f"0_{n}.1", {"sleep": 1, "pid_file": "/dev/null"})
            light.wait("heartbeat", running=4)
            for n in range(40):
                heavy.submit(f"0_{n}.1", {"sleep": 1, "pid_file": "/dev/null"})
            heavy.wait("heartbeat", running=3)
            light.messages.clear()
            light.wait("heartbeat", running=1)
            heavy.messages.clear()
            for _ in range(3):
                heavy.messages.clear()
                assert heavy.wait("heartbeat")["running"] == 3
            # What one does not want any more, the other gets.
            assert heavy.process.stdin is not None
            heavy.send({"type": "stop"})
            assert heavy.end() == 0
            light.messages.clear()
            light.wait("heartbeat", running=4)
    finally:
        cluster.remove_node(more)

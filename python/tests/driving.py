"""The controller's end of the pipe, and clusters of this machine, for tests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
SOURCES = Path(__file__).parent.parent / "src"
# Clusters of these tests are for this machine alone, whatever token its user has.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
    "PYTHONPATH": str(SOURCES),
    "RAY_AUTH_MODE": "disabled",
}


def sha256(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def stand_in(folder: Path) -> Path:
    """Return an executable that is the stand-in runner."""
    source = (Path(__file__).parent / "stand_in_runner.py").read_text()
    path = folder / "stand_in"
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    """Return whether a process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def until(condition: Callable[[], Any], within_s: float = 60.0) -> Any:
    """Return what `condition` gives as soon as that is true."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not come to be so in time"
        time.sleep(0.05)


class Bridge:
    """A bridge as a process of its own, and all that it has said."""

    def __init__(self, folder: Path, address: str, **changes: Any) -> None:
        self.folder = folder
        self.address = address
        self.messages: list[Message] = []
        self._inbox: queue.Queue[Message | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "noodle2_ray", "bridge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**ENVIRONMENT, **changes.pop("environment", {})},
        )
        threading.Thread(target=self._read, daemon=True).start()
        runner = stand_in(folder)
        self.hello: Message = {
            "type": "hello",
            "protocol": 1,
            "noodle2_version": "0.0.0",
            "address": address,
            "allow_insecure": True,
            "run": "run1",
            "study": "study1",
            "weight": 1,
            "request": {"cpus": 1, "memory_bytes": None, "resources": {}},
            "most_slots": None,
            "scratch": str(folder / "scratch"),
            "runner": str(runner),
            "header": {},
            "files": [],
            **changes,
        }
        self.send(self.hello)

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while len(header := out.read(4)) == 4:
            self._inbox.put(json.loads(out.read(struct.unpack(">I", header)[0])))
        self._inbox.put(None)

    def send(self, message: Message) -> None:
        assert self.process.stdin is not None
        body = json.dumps(message).encode()
        self.process.stdin.write(struct.pack(">I", len(body)) + body)
        self.process.stdin.flush()

    def submit(self, attempt: str, order: Message, **changes: Any) -> Path:
        """Send an order; return the folder that its files come to."""
        folder = self.folder / "attempts" / attempt
        folder.mkdir(parents=True, exist_ok=True)
        self.send(
            {
                "type": "submit",
                "attempt": attempt,
                "name": f"study1/base_0_0/{attempt}",
                "affinity": "base",
                "delay_s": 0,
                "order": order,
                "files": [],
                "folder": str(folder),
                "place": f"{os.uname().nodename}:{folder}",
                **changes,
            }
        )
        return folder

    def wait(self, kind: str, within_s: float = 90.0, **fields: Any) -> Message:
        """Return the first frame of a kind with these fields, of those said already or to come."""
        deadline = time.monotonic() + within_s
        seen = 0
        while True:
            for message in self.messages[seen:]:
                if message["type"] == kind and all(
                    message.get(key) == value for key, value in fields.items()
                ):
                    return message
            seen = len(self.messages)
            heard: Message | None = None
            with contextlib.suppress(queue.Empty):
                heard = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            if heard is None:
                said = "\n".join(str(m)[:300] for m in self.messages[-15:])
                raise AssertionError(f"no {kind} with {fields}; the last frames:\n{said}")
            self.messages.append(heard)

    def end(self, within_s: float = 60.0) -> int:
        """Wait for the process; return its status."""
        return self.process.wait(within_s)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def check(address: str, **environment: str) -> dict[str, Any]:
    """Return what `check` says of a cluster. An empty value takes a variable out of the environment."""
    variables = {**ENVIRONMENT, **environment}
    done = subprocess.run(
        [sys.executable, "-m", "noodle2_ray", "check", "--address", address],
        env={name: value for name, value in variables.items() if value},
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if answer["reachable"] else 1)
    return answer

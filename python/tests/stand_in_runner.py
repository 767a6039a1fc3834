"""A STAND-IN for `noodle2 runner`, for tests of the bridge alone: it speaks the protocol, and measures nothing.

An order says what to do: `files` {path: text} to write, `links`, `needs` (hashes to ask for), `sleep` in a grandchild whose
process id is written to `pid_file`, `exit` with a status, `garbage` to send, `claims` of files that are not there, what
`failure` to tell. Its hashes are SHA-256, since Python has no BLAKE3.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def send(message: Any) -> None:
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


def read() -> Any:
    header = sys.stdin.buffer.read(4)
    if len(header) < 4:
        return None
    return json.loads(sys.stdin.buffer.read(struct.unpack(">I", header)[0]))


class Runner:
    def __init__(self) -> None:
        self.inbox: queue.Queue[Any] = queue.Queue()
        self.child: subprocess.Popen[bytes] | None = None
        self.cancelled: str | None = None

    def end_child(self) -> None:
        if self.child is not None and self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def listen(self) -> None:
        while True:
            message = read()
            if message is None:
                self.end_child()
                os._exit(0)
            if message["type"] == "cancel":
                self.cancelled = message["attempt"]
                self.end_child()
            else:
                self.inbox.put(message)

    def need(self, hashes: list[str]) -> list[str]:
        files = [{"hash": h, "path": str(self.scratch / "given" / h)} for h in hashes]
        send({"type": "needs", "files": files})
        assert self.inbox.get()["type"] == "have"
        return [Path(file["path"]).read_text() for file in files]

    def carry_out(self, attempt: str, order: Any) -> None:
        if "exit" in order:
            print("the stand-in was told to exit", file=sys.stderr, flush=True)
            os._exit(order["exit"])
        if order.get("garbage"):
            os.write(1, b"this is no frame")
        given = self.need(order["needs"]) if order.get("needs") else []
        if "sleep" in order:
            self.child = subprocess.Popen(
                ["sh", "-c", f"sleep {order['sleep']} & echo $! > {order['pid_file']}; wait"],
                start_new_session=True,
            )
            self.child.wait()
        folder = self.scratch / self.slot / attempt
        files: list[dict[str, Any]] = []
        for path, text in order.get("files", {}).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            files.append({"path": path, "hash": digest})
        for path in order.get("claims", []):
            files.append({"path": path, "hash": "ab"})
        result = {
            "said": "cancelled" if self.cancelled == attempt else "measured nothing",
            "given": given,
            "pid": os.getpid(),
            "slots_on_node": self.slots_on_node,
            "files_here": sorted(str(p) for p in (self.scratch / self.slot).glob("*")),
        }
        send(
            {
                "type": "done",
                "attempt": attempt,
                "result": result,
                "said": order.get("failure", result["said"]),
                "failed": "failure" in order,
                "folder": str(folder),
                "files": files,
                "links": order.get("links", []),
            }
        )

    def run(self) -> None:
        opened = read()
        assert opened["type"] == "open"
        assert opened["protocol"] == 1
        self.scratch, self.slot = Path(opened["scratch"]), opened["slot"]
        self.slots_on_node = opened["slots_on_node"]
        if os.environ.get("STAND_IN_REFUSES"):
            send(
                {"type": "refused", "code": "N2-ENG-001", "message": "no engine here", "help": "install one"}
            )
            return
        threading.Thread(target=self.listen, daemon=True).start()
        if opened["header"].get("needs"):
            self.need(opened["header"]["needs"])
        send({"type": "ready", "noodle2_version": "0.0.0"})
        while True:
            message = self.inbox.get()
            if message["type"] == "order":
                self.carry_out(message["attempt"], message["order"])
            else:
                assert message["type"] == "forget"


if __name__ == "__main__":
    assert sys.argv[1:] == ["runner"]
    Runner().run()

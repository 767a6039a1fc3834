"""What the controller is told: each frame of the bridge has its one place here.

Frames are written by a thread of their own, in the order in which they were told, so that a slow reader holds nothing up.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Any

from . import __version__
from .connect import Cluster, versions
from .protocol import VERSION, Message, encode
from .security import Refused


class Outlet:
    """A pipe, and what waits to be written into it."""

    def __init__(self, descriptor: int) -> None:
        """Write to `descriptor` from now on."""
        self._descriptor = descriptor
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="noodle2-outlet", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Put one frame behind those that wait."""
        self._frames.put(encode(message))

    def close(self, within_s: float) -> None:
        """Write what waits, for at most so long."""
        self._frames.put(None)
        self._thread.join(within_s)

    def _write(self) -> None:
        while (frame := self._frames.get()) is not None:
            try:
                while frame:
                    frame = frame[os.write(self._descriptor, frame) :]
            except OSError:
                # Nobody reads any more; the end of the other pipe tells what follows from that.
                return


def refused(outlet: Outlet, reason: Refused) -> None:
    """Tell that the bridge will not serve."""
    outlet.send({"type": "refused", "code": reason.code, "message": reason.message, "help": reason.help})


class Teller:
    """Tells of one run. It knows the hosts of nodes by what was seen last, those that are gone included."""

    def __init__(self, outlet: Outlet) -> None:
        """Tell by `outlet`."""
        self._outlet = outlet
        self._hosts: dict[str, str] = {}
        self._living: set[str] | None = None
        self._capacity: tuple[int, int, int] | None = None
        self._warned: set[str] = set()

    def saw(self, hosts: dict[str, str], cluster: Cluster) -> None:
        """Tell `connected` at first, later which nodes came and went since."""
        before, self._living = self._living, set(hosts)
        self._hosts.update(hosts)
        if before is None:
            self._outlet.send(
                {
                    "type": "connected",
                    "protocol": VERSION,
                    "bridge_version": __version__,
                    "ray_version": versions()["ray"],
                    "python_version": versions()["python"],
                    "address": cluster.address,
                    "dashboard": cluster.dashboard,
                    "nodes": len(hosts),
                }
            )
            return
        for node in sorted(self._living - before):
            self.node("joined", node, None, "the node joined the cluster")
        for node in sorted(before - self._living):
            self.node("lost", node, None, "the node left the cluster, or does not answer it")

    def knows(self, node: str, host: str) -> None:
        """Take the host of a node that was not seen yet, but whose slot was."""
        self._hosts.setdefault(node, host)

    def _place(self, node: str | None) -> dict[str, str | None]:
        return {"node": node, "host": None if node is None else self._hosts.get(node)}

    def node(self, event: str, node: str, code: str | None, message: str) -> None:
        """Tell what became of a node."""
        told = {"type": "node", "event": event, **self._place(node)}
        self._outlet.send({**told, "code": code, "message": message})

    def capacity(self, slots: int, offered: int) -> None:
        """Tell how many slots are there and how many attempts are taken, where that changed."""
        now = (slots, offered, len(self._living or ()))
        if self._living is not None and now != self._capacity:
            self._capacity = now
            self._outlet.send({"type": "capacity", "slots": now[0], "offered": now[1], "nodes": now[2]})

    def heartbeat(self, queued: int, running: int, pending: int) -> None:
        """Tell what waits and runs."""
        self._outlet.send({"type": "heartbeat", "queued": queued, "running": running, "pending": pending})

    def started(self, attempt: str, node: str, slot: int) -> None:
        """Tell that a slot has begun with an attempt."""
        self._outlet.send({"type": "started", "attempt": attempt, **self._place(node), "slot": slot})

    def result(
        self, attempt: str, node: str, result: Any, files: list[Message], links: list[Message]
    ) -> None:
        """Tell that an attempt came to its end."""
        told = {"type": "result", "attempt": attempt, **self._place(node), "result": result}
        kept = [{"path": file["path"], "hash": file["hash"]} for file in files]
        self._outlet.send({**told, "files": kept, "links": links})

    def lost(self, attempt: str, node: str | None, message: str, cluster: bool = False) -> None:
        """Tell that an attempt will never come to its end."""
        told = {"type": "lost", "attempt": attempt, **self._place(node)}
        self._outlet.send({**told, "message": message, "cluster": cluster})

    def warn(self, message: str) -> None:
        """Tell people something, once."""
        if message not in self._warned:
            self._warned.add(message)
            self._outlet.send({"type": "log", "level": "warning", "message": message})

    def gone(self, message: str) -> None:
        """Tell that the cluster cannot be reached any more."""
        self._outlet.send({"type": "gone", "message": message})

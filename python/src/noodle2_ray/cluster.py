"""What the bridge sees of the cluster: its nodes, what fits on them, and whether it is there at all.

Ray's own calls block for as long as a lost cluster does not answer, and after 60 s Ray ends the process. So they are made in a
thread of their own, and another one knocks at the cluster's doors with plain sockets.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .dispatch import slots_that_fit
from .protocol import Request
from .security import split_address

# A head that is started again by its supervisor is back within seconds.
HEAD_PATIENCE_S = 10.0
# Without the daemon of its own machine a driver can do nothing, and it does not come back.
RAYLET_PATIENCE_S = 3.0
# A head that takes connections and answers nothing for so long is gone as well.
ANSWER_PATIENCE_S = 30.0
_EVERY_S = 1.0


@dataclass(frozen=True)
class Sight:
    """The cluster at one moment: hosts of the nodes that live; slots that fit now, and that an empty node would hold."""

    hosts: dict[str, str]
    fits: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)


def look(request: Request) -> Sight:
    """Ask Ray what there is; blocks."""
    import ray
    from ray._private.state import available_resources_per_node

    hosts: dict[str, str] = {}
    holds: dict[str, int] = {}
    for node in ray.nodes():
        if node["Alive"]:
            hosts[node["NodeID"]] = node["NodeManagerHostname"]
            holds[node["NodeID"]] = slots_that_fit(node["Resources"], request.amounts())
    available: dict[str, Any] = available_resources_per_node()
    fits = {node: slots_that_fit(available.get(node, {}), request.amounts()) for node in hosts}
    return Sight(hosts, fits, holds)


def takes_connections(address: str) -> bool:
    """Return whether somebody takes connections at `host:port`."""
    try:
        socket.create_connection(split_address(address), 2.0).close()
    except OSError:
        return False
    return True


class Line:
    """A connection to the socket of this machine's node that is kept, since Ray logs each one that ends."""

    def __init__(self, path: str) -> None:
        """Connect at the first question."""
        self._path = path
        self._socket: socket.socket | None = None

    def holds(self) -> bool:
        """Return whether the other end is there, or is there again."""
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.settimeout(2.0)
                self._socket.connect(self._path)
                self._socket.setblocking(False)
            if self._socket.recv(1 << 16):
                return True
        except BlockingIOError:
            # Nothing was said, and nobody hung up.
            return True
        except OSError:
            pass
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return False


class Watch:
    """Two threads: one tells what it sees each second, the other when there is nothing to be seen any more, once."""

    def __init__(
        self,
        request: Request,
        head: str,
        raylet_socket: str | None,
        seen: Callable[[Sight], None],
        gone: Callable[[str], None],
    ) -> None:
        """Begin to watch. `seen` and `gone` are called from these threads."""
        self._request = request
        self._head = head
        self._raylet_socket = raylet_socket
        self._seen = seen
        self._gone = gone
        self._ended = threading.Event()
        self._hurry = threading.Event()
        self._answered = time.monotonic()
        for work in (self._look, self._knock):
            threading.Thread(target=work, name=f"noodle2{work.__name__}", daemon=True).start()

    def hurry(self) -> None:
        """Look again at once."""
        self._hurry.set()

    def end(self) -> None:
        """Tell nothing more."""
        self._ended.set()
        self._hurry.set()

    def _look(self) -> None:
        while not self._ended.is_set():
            try:
                sight = look(self._request)
            except Exception:
                # What it means is for the other thread to find out: no answer.
                pass
            else:
                self._answered = time.monotonic()
                if not self._ended.is_set():
                    self._seen(sight)
            self._hurry.wait(_EVERY_S)
            self._hurry.clear()

    def _knock(self) -> None:
        checks: list[tuple[Callable[[], bool], float, str]] = [
            (
                lambda: takes_connections(self._head),
                HEAD_PATIENCE_S,
                f"the head of the Ray cluster at {self._head} is gone",
            )
        ]
        if self._raylet_socket:
            line = Line(self._raylet_socket)
            checks.append((line.holds, RAYLET_PATIENCE_S, "the Ray node of this machine is gone"))
        since = [time.monotonic() for _ in checks]
        while not self._ended.wait(_EVERY_S):
            for place, (there, patience, message) in enumerate(checks):
                if there():
                    since[place] = time.monotonic()
                elif time.monotonic() - since[place] >= patience:
                    self._tell(f"{message}: nobody took a connection for {patience:.0f} s")
                    return
            if time.monotonic() - self._answered >= ANSWER_PATIENCE_S:
                self._tell(f"the Ray cluster at {self._head} gave no answer for {ANSWER_PATIENCE_S:.0f} s")
                return

    def _tell(self, message: str) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._gone(message)

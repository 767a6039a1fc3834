"""Frames and messages of `docs/bridge-protocol.md`: read strictly, so that a peer's error is told where it is made.

Does no I/O but on the streams that it is handed, and knows nothing of Ray: slots use it on the nodes as well.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

VERSION = 1
MAX_FRAME_BYTES = 64 * 1024 * 1024

Message = dict[str, Any]
T = TypeVar("T")


class ProtocolError(Exception):
    """The peer broke the protocol; nothing that it says from here on can be believed."""


def encode(message: Message) -> bytes:
    """Return `message` as one frame; `ProtocolError` where it would be longer than a frame may be."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a `{message.get('type')}` frame of {len(body)} bytes is too long to send")
    return struct.pack(">I", len(body)) + body


def decode(body: bytes) -> Message:
    """Return the object in a frame's `body`, which has a `type`."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise ProtocolError(f"a frame holds no JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("a frame holds no object with a `type`")
    return cast(Message, message)


async def read_frame(reader: asyncio.StreamReader) -> Message | None:
    """Return the next message, or None at the end of the stream between two frames."""
    try:
        header = await reader.readexactly(4)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise ProtocolError("the stream ended within the length of a frame") from error
    (length,) = struct.unpack(">I", header)
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {length} bytes is longer than {MAX_FRAME_BYTES}")
    try:
        return decode(await reader.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise ProtocolError(f"the stream ended after {len(error.partial)} of {length} bytes") from error


def text(message: Message, key: str) -> str:
    """Return the text that `message` must have under `key`."""
    return typed(message, key, str)


def mapping(message: Message, key: str) -> Message:
    """Return the object that `message` must have under `key`."""
    return typed(message, key, dict)


def objects(message: Message, key: str) -> list[Message]:
    """Return the list of objects that `message` must have under `key`."""
    values = typed(message, key, list)
    if not all(isinstance(value, dict) for value in values):
        raise ProtocolError(f"`{key}` of a `{message.get('type')}` frame holds something else than objects")
    return values


def optional_text(message: Message, key: str) -> str | None:
    """Return the text under `key`, or None where it is null or absent."""
    return None if message.get(key) is None else text(message, key)


def number(message: Message, key: str) -> float:
    """Return the number, not negative, that `message` must have under `key`."""
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ProtocolError(f"`{key}` of a `{message.get('type')}` frame is {value!r}, and no number from 0")
    return float(value)


def typed(message: Message, key: str, kind: type[T]) -> T:
    """Return what `message` must have under `key`, which must be of that kind."""
    value = message.get(key)
    if not isinstance(value, kind):
        name = message.get("type")
        raise ProtocolError(f"`{key}` of a `{name}` frame is {type(value).__name__}, not {kind.__name__}")
    return value


def _files(message: Message) -> dict[str, str]:
    return {text(file, "hash"): text(file, "path") for file in objects(message, "files")}


@dataclass(frozen=True)
class Request:
    """What one slot asks Ray for, and holds as long as it lives."""

    cpus: float
    memory_bytes: int | None = None
    resources: dict[str, float] = field(default_factory=dict)

    def amounts(self) -> dict[str, float]:
        """Return the amounts by Ray's own names of resources; those that are 0 left out."""
        amounts = {"CPU": self.cpus, "memory": float(self.memory_bytes or 0), **self.resources}
        return {name: amount for name, amount in amounts.items() if amount > 0}


@dataclass(frozen=True)
class Hello:
    """The first frame: which cluster to serve which run on. `files` are paths by hash."""

    noodle2_version: str
    address: str | None
    allow_insecure: bool
    run: str
    study: str
    weight: float
    request: Request
    most_slots: int | None
    scratch: str | None
    runner: str
    header: Any
    files: dict[str, str]


@dataclass(frozen=True)
class Submit:
    """An attempt to carry out. `files` are paths by hash."""

    attempt: str
    name: str
    affinity: str
    delay_s: float
    order: Any
    files: dict[str, str]
    folder: str | None
    place: str


@dataclass(frozen=True)
class Cancel:
    """An attempt to end, at once where `kill`."""

    attempt: str
    kill: bool


@dataclass(frozen=True)
class Stop:
    """End everything."""


def parse_hello(message: Message) -> Hello:
    """Return the first frame of a controller, whose version must have been compared before."""
    request = mapping(message, "request")
    memory = None if request.get("memory_bytes") is None else int(number(request, "memory_bytes"))
    resources = request.get("resources") or {}
    if not isinstance(resources, dict):
        raise ProtocolError("`resources` of a request is no object")
    run = text(message, "run")
    if not run.isalnum():
        raise ProtocolError(f"the run's mark {run!r} has something else than letters and digits")
    weight = number(message, "weight")
    if weight <= 0:
        raise ProtocolError("`weight` is 0")
    most_slots = message.get("most_slots")
    return Hello(
        noodle2_version=text(message, "noodle2_version"),
        address=optional_text(message, "address"),
        allow_insecure=typed(message, "allow_insecure", bool),
        run=run,
        study=text(message, "study"),
        weight=weight,
        request=Request(
            number(request, "cpus"), memory, {name: number(resources, name) for name in resources}
        ),
        most_slots=None if most_slots is None else int(number(message, "most_slots")),
        scratch=optional_text(message, "scratch"),
        runner=text(message, "runner"),
        header=message.get("header"),
        files=_files(message),
    )


def parse_request(message: Message) -> Submit | Cancel | Stop:
    """Return what a controller asks for after its `hello`."""
    kind = message["type"]
    if kind == "submit":
        return Submit(
            attempt=text(message, "attempt"),
            name=text(message, "name"),
            affinity=text(message, "affinity"),
            delay_s=number(message, "delay_s"),
            order=message.get("order"),
            files=_files(message),
            folder=optional_text(message, "folder"),
            place=text(message, "place"),
        )
    if kind == "cancel":
        return Cancel(text(message, "attempt"), typed(message, "kill", bool))
    if kind == "stop":
        return Stop()
    raise ProtocolError(f"a frame of the unknown type `{kind}`")

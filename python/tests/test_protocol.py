"""Frames and messages: what a broken peer sends is told, never guessed at."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from typing import Any

import pytest
from driving import ENVIRONMENT

from noodle2_ray.protocol import (
    MAX_FRAME_BYTES,
    Cancel,
    Message,
    ProtocolError,
    Request,
    Stop,
    Submit,
    encode,
    parse_hello,
    parse_request,
    read_frame,
)

HELLO: Message = {
    "type": "hello",
    "protocol": 1,
    "noodle2_version": "0.1.0",
    "address": None,
    "allow_insecure": False,
    "run": "abc123",
    "study": "s",
    "weight": 2,
    "request": {"cpus": 1.5, "memory_bytes": 1000, "resources": {"licence": 1}},
    "most_slots": None,
    "scratch": None,
    "runner": "/r",
    "header": {"anything": 1},
    "files": [{"hash": "h", "path": "/p"}],
}


def read(data: bytes) -> list[Message | None]:
    async def all_of() -> list[Message | None]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        frames = [await read_frame(reader)]
        while frames[-1] is not None:
            frames.append(await read_frame(reader))
        return frames

    return asyncio.run(all_of())


def test_frames_are_read_as_they_were_written() -> None:
    messages: list[Message] = [{"type": "a", "text": "µ\n"}, {"type": "b", "list": [1, None]}]
    assert read(b"".join(map(encode, messages))) == [*messages, None]


def test_the_frame_is_the_length_and_json() -> None:
    assert encode({"type": "stop"}) == b'\x00\x00\x00\x0f{"type":"stop"}'


@pytest.mark.parametrize("cut", range(1, len(encode({"type": "stop"}))))
def test_a_torn_frame_is_no_end(cut: int) -> None:
    with pytest.raises(ProtocolError, match="ended"):
        read(encode({"type": "stop"})[:cut])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "no JSON"),
        (b"\xff\xff", "no JSON"),
        (b"[]", "no object"),
        (b'{"no": "type"}', "no object with a `type`"),
        (b'{"type": 1}', "no object with a `type`"),
    ],
)
def test_what_is_no_message_is_told(body: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read(struct.pack(">I", len(body)) + body)


def test_a_frame_that_is_too_long_is_not_waited_for() -> None:
    with pytest.raises(ProtocolError, match="longer than"):
        read(struct.pack(">I", MAX_FRAME_BYTES + 1))
    with pytest.raises(ProtocolError, match="too long"):
        encode({"type": "a", "text": "x" * MAX_FRAME_BYTES})


def test_a_hello_is_read_whole() -> None:
    hello = parse_hello(HELLO | {"unknown": "fields are ignored"})
    assert hello.request == Request(1.5, 1000, {"licence": 1.0})
    assert hello.request.amounts() == {"CPU": 1.5, "memory": 1000.0, "licence": 1.0}
    assert hello.files == {"h": "/p"}
    assert hello.header == {"anything": 1}
    assert Request(0).amounts() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"run": "../up"},
        {"weight": 0},
        {"weight": -1},
        {"weight": "1"},
        {"weight": True},
        {"request": {"cpus": float("nan")}},
        {"request": {"cpus": 1, "resources": {"licence": -1}}},
        {"allow_insecure": "yes"},
        {"files": ["/p"]},
        {"files": [{"hash": "h"}]},
        {"runner": None},
        {"most_slots": -1},
    ],
)
def test_a_hello_that_is_wrong_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        parse_hello(HELLO | change)


def test_the_bridge_is_for_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "noodle2_ray", "bridge"],
        stdin=subprocess.DEVNULL,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is no pipe" in done.stderr


def test_requests_are_told_apart() -> None:
    submit = {
        "type": "submit",
        "attempt": "0_1.1",
        "name": "n",
        "affinity": "a",
        "delay_s": 0,
        "order": {},
        "files": [],
        "place": "h:/f",
    }
    assert parse_request(submit) == Submit("0_1.1", "n", "a", 0.0, {}, {}, None, "h:/f")
    assert parse_request({"type": "cancel", "attempt": "0_1.1", "kill": True}) == Cancel("0_1.1", True)
    assert parse_request({"type": "stop"}) == Stop()
    for wrong in ({"type": "stopp"}, submit | {"delay_s": -1}, {"type": "cancel", "attempt": "a"}):
        with pytest.raises(ProtocolError):
            parse_request(json.loads(json.dumps(wrong)))

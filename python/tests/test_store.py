"""Objects by hash: put once, however many ask at once, and released with the last."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from noodle2_ray.store import ObjectStore


def test_a_content_is_put_once_and_released_with_its_last_user(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    put: list[bytes] = []

    def put_one(content: bytes) -> int:
        put.append(content)
        return len(put)

    store = ObjectStore(put_one)
    both = {"ha": str(tmp_path / "a"), "hb": str(tmp_path / "b")}
    one = {"ha": str(tmp_path / "a")}

    async def work() -> None:
        taken = await asyncio.gather(*(store.take(both) for _ in range(5)), store.take(one))
        assert sorted(put) == [b"a", b"b"]
        # Boxed, so that Ray hands references on.
        assert all(boxes["ha"] == taken[0]["ha"] and len(boxes["ha"]) == 1 for boxes in taken)
        for _ in range(5):
            store.release(both)
        assert len(store) == 1
        store.release(one)
        assert len(store) == 0
        await store.take(one)
        assert len(put) == 3

    asyncio.run(work())


def test_a_file_that_cannot_be_read_leaves_nothing_taken(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    store = ObjectStore(lambda content: content)

    async def work() -> None:
        with pytest.raises(OSError, match="missing"):
            await store.take({"ha": str(tmp_path / "a"), "hb": str(tmp_path / "missing")})
        assert len(store) == 0
        # Another path of the same content is tried anew.
        assert await store.take({"hb": str(tmp_path / "a")}) == {"hb": [b"a"]}

    asyncio.run(work())

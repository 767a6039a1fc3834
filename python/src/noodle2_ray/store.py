"""Files as objects of Ray: each content is put once, however many orders need it, and released with the last of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

# An object's reference, in a list so that Ray hands the reference on and not what it refers to.
Boxed = list[Any]


class ObjectStore:
    """Objects by hash. `put` is Ray's own, which blocks, and so runs in a thread."""

    def __init__(self, put: Callable[[bytes], Any]) -> None:
        """Begin with nothing put."""
        self._put = put
        self._objects: dict[str, Boxed] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    async def take(self, files: dict[str, str]) -> dict[str, Boxed]:
        """Return the objects of `files` (paths by hash), putting those that are not there. Each call wants a `release`.

        `OSError` with the path of a file that cannot be read; nothing is taken then.
        """
        for content in files:
            self._users[content] = self._users.get(content, 0) + 1
        taken: dict[str, Boxed] = {}
        try:
            for content, path in files.items():
                taken[content] = await self._object(content, path)
        except BaseException:
            self.release(files)
            raise
        return taken

    async def _object(self, content: str, path: str) -> Boxed:
        async with self._locks.setdefault(content, asyncio.Lock()):
            if content not in self._objects:
                self._objects[content] = [await asyncio.to_thread(lambda: self._put(Path(path).read_bytes()))]
            return self._objects[content]

    def release(self, files: dict[str, str]) -> None:
        """Give back what `take` returned for the same files; Ray frees what nobody holds."""
        for content in files:
            self._users[content] -= 1
            if self._users[content] == 0:
                del self._users[content]
                self._objects.pop(content, None)
                self._locks.pop(content, None)

    def __len__(self) -> int:
        """Return how many objects are held."""
        return len(self._objects)

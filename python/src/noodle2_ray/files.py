"""Reading and writing the files of an attempt, of which only paths relative to its folder are told.

What a peer tells is not believed: no path leaves the folder, and no symbolic link is followed on the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePath(ValueError):
    """A path that would lead out of the folder that it is told to be in."""


def parts_below(relative: str) -> tuple[str, ...]:
    """Return the parts of a path that stays below its folder; `UnsafePath` where it does not."""
    path = PurePosixPath(relative)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in relative:
        raise UnsafePath(f"`{relative}` does not stay in its folder")
    return path.parts


def write_below(folder: Path, relative: str, content: bytes) -> None:
    """Write `content` to `relative` below `folder`, whole or not at all; folders on the way are made.

    `OSError` with the path where it cannot be written, or where something on the way is no folder.
    """
    *folders, name = parts_below(relative)
    here = os.open(folder, _FOLDER)
    try:
        for part in folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=here)
            below = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        temporary = f".{secrets.token_hex(8)}.part"
        try:
            target = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=here
            )
            with os.fdopen(target, "wb") as file:
                file.write(content)
            os.rename(temporary, name, src_dir_fd=here, dst_dir_fd=here)
        except BaseException:
            _remove(temporary, here)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder / relative)) from error
    finally:
        os.close(here)


def read_below(folder: Path, relative: str) -> bytes:
    """Return what is in the plain file `relative` below `folder`."""
    *folders, name = parts_below(relative)
    here = os.open(folder, _FOLDER)
    try:
        for part in folders:
            below = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here), "rb") as file:
            return file.read()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder / relative)) from error
    finally:
        os.close(here)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file of this node, whole or not at all, as several slots may at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        target = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(target, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str | None:
    """Return the SHA-256 of a file in hexadecimal, None where there is no such file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _remove(name: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)

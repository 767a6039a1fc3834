"""What a study must not be sent to, and what may not leave a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from noodle2_ray.files import UnsafePath, parts_below, read_below, write_below
from noodle2_ray.security import Refused, check, is_loopback, split_address, token_auth

NAMES = {
    "head": ["10.0.0.5"],
    "localhost": ["127.0.0.1", "::1"],
    "both": ["127.0.0.1", "10.0.0.5"],
    "nowhere": [],
}


def resolver(host: str) -> list[str]:
    return NAMES.get(host, [host])


@pytest.mark.parametrize(
    ("address", "split"),
    [("10.0.0.5:6379", ("10.0.0.5", 6379)), ("[::1]:6379", ("::1", 6379)), ("head:1", ("head", 1))],
)
def test_addresses_are_split(address: str, split: tuple[str, int]) -> None:
    assert split_address(address) == split


@pytest.mark.parametrize(
    "address", ["head", "head:", ":1", "::1:6379", "head:0", "head:65536", "head:x", "ray://h:1"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="not host:port"):
        split_address(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host, resolver)


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "0.0.0.0", "::", "head", "both", "nowhere", "fe80::1%eth0", "::ffff:10.0.0.5"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host, resolver)


def test_token_authentication_is_what_ray_takes_it_for(tmp_path: Path) -> None:
    assert not token_auth({}, tmp_path)
    assert token_auth({"RAY_AUTH_MODE": "token"}, tmp_path)
    assert token_auth({"RAY_AUTH_TOKEN": "x"}, tmp_path)
    assert not token_auth({"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "x"}, tmp_path)
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("x")
    assert token_auth({}, tmp_path)


def test_who_is_open_to_the_network_gets_no_study() -> None:
    for token, answer in ((False, True), (False, False), (True, True)):

        def is_open(answer: bool = answer) -> bool:
            return answer

        with pytest.raises(Refused) as refused:
            check("head:6379", False, token, is_open, resolver)
        assert refused.value.code == "N2-RAY-004"
        assert "RAY_AUTH_MODE=token" in refused.value.help
        assert "--ray-insecure" in refused.value.help
        check("head:6379", True, token, lambda: True, resolver)
    check("head:6379", False, True, lambda: False, resolver)
    check("localhost:6379", False, False, lambda: True, resolver)


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "a/../../b", "", ".", "a\0b"])
def test_paths_that_leave_their_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnsafePath):
        parts_below(path)
    with pytest.raises(UnsafePath):
        write_below(tmp_path, path, b"x")
    assert not list(tmp_path.iterdir())


def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("untouched")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "dir").symlink_to(outside)
    (folder / "file").symlink_to(outside / "file")
    with pytest.raises(OSError, match="dir/file"):
        write_below(folder, "dir/file", b"x")
    with pytest.raises(OSError, match="dir/file"):
        read_below(folder, "dir/file")
    with pytest.raises(OSError, match="file"):
        read_below(folder, "file")
    write_below(folder, "file", b"x")
    assert not (folder / "file").is_symlink()
    assert (outside / "file").read_text() == "untouched"
    write_below(folder, "a/b/c", b"deep")
    assert read_below(folder, "a/b/c") == b"deep"
    assert sorted(path.name for path in folder.iterdir()) == ["a", "dir", "file"]

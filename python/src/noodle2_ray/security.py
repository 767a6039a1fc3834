"""Whether a cluster may be trusted with a study: an address of this machine alone, or Ray's token authentication.

Who can reach a Ray cluster without it can run any code there, with the rights of whoever started it. Decides; connects nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

Resolver = Callable[[str], list[str]]


class Refused(Exception):
    """The bridge will not serve: a stable code, what is wrong, and what to do."""

    def __init__(self, code: str, message: str, help_text: str) -> None:
        """Keep what the controller is told."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help_text


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[host]:port`; `ValueError` where it is neither."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"`{address}` is not host:port; an IPv6 address stands in brackets")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"`{address}` is not host:port")
    return host, int(port)


def resolve(host: str) -> list[str]:
    """Return every address that this machine knows `host` by; none where it knows none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found]


def is_loopback(host: str, resolver: Resolver = resolve) -> bool:
    """Return whether each address of `host` never leaves this machine; a name without addresses is none."""
    addresses = resolver(host)
    return bool(addresses) and all(_loopback(address) for address in addresses)


def _loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def token_auth(environment: Mapping[str, str], home: Path) -> bool:
    """Return whether Ray's token authentication is on for this process.

    `RAY_AUTH_MODE` says so, and where it says nothing, a token that is there, as for `ray start` since Ray 2.60.
    """
    mode = environment.get("RAY_AUTH_MODE")
    if mode is not None:
        return mode.lower() == "token"
    if environment.get("RAY_AUTH_TOKEN") or environment.get("RAY_AUTH_TOKEN_PATH"):
        return True
    return (home / ".ray" / "auth_token").is_file()


def check(
    address: str,
    allow_insecure: bool,
    token: bool,
    is_open: Callable[[], bool],
    resolver: Resolver = resolve,
) -> None:
    """Raise `Refused` where a study must not be sent to `address`.

    `is_open` tells whether the cluster lets in who has no token: that this process has one protects nobody else.
    """
    host, _ = split_address(address)
    if allow_insecure or is_loopback(host, resolver):
        return
    if token and not is_open():
        return
    what = "lets everyone in, token or not" if token else "would be used without Ray's token authentication"
    raise Refused(
        "N2-RAY-004",
        f"the cluster at {address} is not on a loopback address and {what}: who reaches it can run any code on it",
        "start the cluster and Noodle 2 with RAY_AUTH_MODE=token and one token (`ray get-auth-token --generate`), "
        "or say --ray-insecure where the network itself is closed to others",
    )

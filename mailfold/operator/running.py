"""Finds out whether a service runs here, and opens a channel to it with the operator's token."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from shared.grpc.policy import OPERATOR
from shared.places import Places

if TYPE_CHECKING:
    from shared.grpc.channel import Channel


def answers(places: Places, service: str) -> bool:
    """Whether a process listens on the service's socket; one left by a killed process does not."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(places.socket(service).removeprefix("unix:"))
        except OSError:
            return False
    return True


def channel(places: Places, service: str, token: str, timeout: float = 30.0) -> Channel:
    """A channel for generated stubs; `token` is the operator's token for this service."""
    from shared.grpc.channel import RemoteChannel, for_stubs

    return for_stubs(RemoteChannel(places.socket(service), OPERATOR, token, timeout))


def read_tokens(places: Places) -> dict[str, str]:
    """The operator's token for each service.

    It is empty before the first start, and for users who may not read the tokens.
    """
    import orjson

    try:
        tokens: dict[str, str] = orjson.loads(places.operator.read_bytes())
    except (OSError, ValueError):
        return {}
    return tokens

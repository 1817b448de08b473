"""What travels with every call: the calling service, the actor, the cause, the correlation and the command id.

It is task-local. A session sets it once (`acting`), each servicer reads it (`current_provenance`), and calls made
meanwhile carry it on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import TypeVar

import msgspec

from shared.eventstore.event import Actor, Provenance

T = TypeVar("T")
UNKNOWN = Provenance(Actor("system"))
_provenance: ContextVar[Provenance] = ContextVar("current_provenance", default=UNKNOWN)
_caller: ContextVar[str] = ContextVar("caller", default="")


def current_provenance() -> Provenance:
    """Why the running code writes: goes with every event."""
    return _provenance.get()


def caller() -> str:
    """The service that asked; empty outside of a call."""
    return _caller.get()


@contextlib.contextmanager
def acting(current_provenance: Provenance) -> Iterator[None]:
    """Let what is done in this block, calls to other services included, be done for this reason."""
    token = _provenance.set(current_provenance)
    try:
        yield
    finally:
        _put_back(_provenance, token)


def act(current_provenance: Provenance) -> None:
    """As `acting`, for the rest of the running task."""
    _provenance.set(current_provenance)


@contextlib.contextmanager
def called_by(service: str) -> Iterator[None]:
    """The extent of a call."""
    token = _caller.set(service)
    try:
        yield
    finally:
        _put_back(_caller, token)


def _put_back(variable: ContextVar[T], token: Token[T]) -> None:
    """A stream that its reader abandoned is closed in a context of its own, where nothing was set and nothing is to be
    put back.
    """
    with contextlib.suppress(ValueError):
        variable.reset(token)


def with_command(command: str) -> Provenance:
    """The current provenance under a command id, which makes a write idempotent."""
    return msgspec.structs.replace(_provenance.get(), command=command)

"""The context of a call: the calling service, the actor, the cause, the correlation and the command id.

It is local to the task. A session sets it once (`acting`), each servicer reads it (`current_provenance`), and calls
that the servicer makes carry it on.
"""

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
_session_account: ContextVar[str] = ContextVar("session_account", default="")


def current_provenance() -> Provenance:
    """The provenance of the running code, which goes into every event it writes."""
    return _provenance.get()


def session_account() -> str:
    """The account of the session that makes the call, which has no rights but its own; empty for a service's own
    calls."""
    return _session_account.get()


def act_for(account: str) -> None:
    """Let this account ask in all calls in the rest of the running task; empty: the service itself asks."""
    _session_account.set(account)


@contextlib.contextmanager
def asked_by(account: str) -> Iterator[None]:
    """Let this account ask in the block."""
    token = _session_account.set(account)
    try:
        yield
    finally:
        _put_back(_session_account, token)


def caller() -> str:
    """The calling service; empty outside of a call."""
    return _caller.get()


@contextlib.contextmanager
def acting(current_provenance: Provenance) -> Iterator[None]:
    """Use this provenance for everything in the block, including calls to other services."""
    token = _provenance.set(current_provenance)
    try:
        yield
    finally:
        _put_back(_provenance, token)


def act(current_provenance: Provenance) -> None:
    """Use this provenance for the rest of the running task."""
    _provenance.set(current_provenance)


@contextlib.contextmanager
def called_by(service: str) -> Iterator[None]:
    """Set the calling service for the length of a call."""
    token = _caller.set(service)
    try:
        yield
    finally:
        _put_back(_caller, token)


def _put_back(variable: ContextVar[T], token: Token[T]) -> None:
    """Reset a variable.

    A stream that its reader abandoned is closed in another context, where the variable was not set.
    """
    with contextlib.suppress(ValueError):
        variable.reset(token)


def with_command(command: str) -> Provenance:
    """The current provenance with a command id, which makes a write idempotent."""
    return msgspec.structs.replace(_provenance.get(), command=command)

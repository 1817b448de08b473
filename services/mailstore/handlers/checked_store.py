"""A store whose units of work look at a right again before they change anything.

Rights are read before a call is carried out, and may be taken away until it is written. A check that was set for the
call runs within the unit of work, so that what is recorded after the end of a right was never done with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

T = TypeVar("T")
Check = Callable[[Transaction], object]
Addition = Callable[[Transaction, Any], None]
"""What is recorded in addition to a unit of work, whose result it gets."""
_checks: ContextVar[tuple[Check, ...]] = ContextVar("checks", default=())

_additions: ContextVar[tuple[Addition, ...]] = ContextVar("additions", default=())


@contextlib.contextmanager
def adding(addition: Addition) -> Iterator[None]:
    """Record something in addition in each unit of work of the block, in the same commit."""
    token = _additions.set((addition,))
    try:
        yield
    finally:
        _additions.reset(token)


@contextlib.contextmanager
def checking(*checks: Check) -> Iterator[None]:
    """Run checks, which raise a refusal, in each unit of work of the block."""
    token = _checks.set(checks)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # a stream that its reader abandoned ends in another context
            _checks.reset(token)


class CheckedStore:
    """Stands in front of a store and has the same methods."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, work: Callable[[Transaction], T], **options: Any) -> T:
        """Run a unit of work, after the checks of the running call."""
        checks, additions = _checks.get(), _additions.get()
        if not (checks or additions):
            return await self._store.write(work, **options)

        def checked(tx: Transaction) -> T:
            for check in checks:
                check(tx)
            result = work(tx)
            for addition in additions:
                addition(tx, result)
            return result

        return await self._store.write(checked, **options)


def checked_store(store: EventStore) -> EventStore:
    """The store behind checks, in the type that its users expect."""
    return cast(EventStore, CheckedStore(store))

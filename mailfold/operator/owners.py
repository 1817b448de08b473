"""Verifies and rebuilds the owning services, one after the other, with progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from mailfold.operator.session import Session

if TYPE_CHECKING:
    from shared.grpc.channel import Channel

Progress = Callable[[str, int, int], None]
"""Called with the service, the number of events applied, and the approximate number of all."""


class Difference(msgspec.Struct, frozen=True):
    """A row that differs from the events. It has the row as JSON on each side, empty where it is missing."""

    table: str
    key: str
    stored: str
    folded: str


class Verified(msgspec.Struct, frozen=True):
    """The result of verifying one service."""

    service: str
    events: int
    rows: int
    differences: tuple[Difference, ...]
    different: int
    """The number of rows that differ; `differences` has the first of them."""
    mended: int


async def verify(session: Session, service: str, progress: Progress, *, mend: bool) -> Verified:
    """Apply the service's events to scratch tables and compare every row.

    The service is hosted here when it does not run.
    """
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    channel = await session.owner(service, whole=False, reads_only=not mend)
    stub = OwnerStub(channel)
    total, last = await _heads(channel), owner_pb2.VerifyProgress()
    async for last in stub.Verify(owner_pb2.VerifyRequest(mend=mend)):
        progress(service, last.events, total)
    differences = tuple(
        Difference(difference.table, difference.key, difference.stored, difference.folded)
        for difference in last.differences
    )
    return Verified(service, last.events, last.rows, differences, last.different, last.mended)


async def rebuild(session: Session, service: str, progress: Progress) -> int:
    """Compute the service's tables from its events anew and correct what differs; returns the number of events."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    channel = await session.owner(service, whole=False)
    stub = OwnerStub(channel)
    total, events = await _heads(channel), 0
    async for step in stub.Rebuild(owner_pb2.RebuildRequest()):
        events = step.events
        progress(service, events, total)
    return events


async def _heads(channel: Channel) -> int:
    from shared.rpc.mailfold.events.v1 import events_pb2
    from shared.rpc.mailfold.events.v1.events_pb2_grpc import EventSourceStub

    stub = EventSourceStub(channel)
    return sum((await stub.Heads(events_pb2.HeadsRequest())).heads.values())

"""What travels with a call, in streams too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import UNKNOWN, acting, called_by, caller, current_provenance

PROVENANCE = Provenance(Actor("account", id="a1"))


async def stream() -> AsyncGenerator[Provenance, None]:
    with acting(PROVENANCE), called_by("access"):
        yield current_provenance()


async def test_a_stream_abandoned_in_one_task_is_closed_in_another() -> None:
    running = stream()
    assert await asyncio.create_task(anext(running)) == PROVENANCE  # type: ignore[arg-type]
    await running.aclose()
    assert (current_provenance(), caller()) == (UNKNOWN, "")

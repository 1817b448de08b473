"""Settings of the event log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class EventlogSettings(Section, frozen=True):
    """How long events are kept, and what a question may cost."""

    keep_days: Annotated[int, Meta(description="Days an event stays in the log.", ge=1, le=3650)] = 30
    prune_seconds: Annotated[
        float, Meta(description="Seconds between two looks for events that are too old.", ge=1, le=86400)
    ] = 600.0
    gather_seconds: Annotated[
        float, Meta(description="Seconds events are gathered before they are read: longer costs less.", ge=0, le=10)
    ] = 0.25
    waiting_facts: Annotated[
        int,
        Meta(
            description="Facts in memory on their way into the log; above it, the services are read no further.", ge=100
        ),
    ] = 20_000
    compress_above: Annotated[
        int, Meta(description="Octets of an event's data from which on it is compressed.", ge=64)
    ] = 1024
    max_results: Annotated[int, Meta(description="Facts one answer holds at most.", ge=1, le=100_000)] = 1000
    max_scanned: Annotated[
        int, Meta(description="Facts looked through for a text that is no address and no id.", ge=1000)
    ] = 2_000_000
    max_traced: Annotated[
        int, Meta(description="Facts of one mail's life that a trace shows.", ge=10, le=1_000_000)
    ] = 10_000
    max_followed: Annotated[
        int, Meta(description="Mailbox events looked through for the later life of one mail.", ge=1000)
    ] = 500_000
    tail_waiting: Annotated[
        int, Meta(description="Facts that wait for a slow reader of the live tail before it is cut off.", ge=100)
    ] = 10_000


SECTIONS: Mapping[str, type[Section]] = {"eventlog": EventlogSettings}

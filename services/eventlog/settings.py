"""Settings of the event log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from shared.settings import Section


class EventlogSettings(Section, frozen=True):
    """How long events are kept, and what a question may cost."""

    keep_days: Annotated[int, Meta(description="Days an event stays in the log.", ge=1, le=3650)] = 30
    engine: Annotated[
        Literal["embedded", "opensearch"],
        Meta(
            description="What answers `mailfold events` and charts: the log's own tables, or its copy in OpenSearch "
            "(opensearch.urls), which is made beside them. The log answers by itself while OpenSearch cannot."
        ),
    ] = "embedded"
    roll_days: Annotated[
        int, Meta(description="Days after which a new generation of OpenSearch's data stream begins.", ge=1, le=365)
    ] = 1
    roll_octets: Annotated[
        int, Meta(description="Octets of a generation in OpenSearch above which a new one begins.", ge=1_000_000)
    ] = 10_000_000_000
    prune_seconds: Annotated[
        float, Meta(description="Seconds between two removals of events that are too old.", ge=1, le=86400)
    ] = 600.0
    gather_seconds: Annotated[
        float,
        Meta(
            description="Seconds for which new events are left to collect before they are read: a longer time costs "
            "less CPU.",
            ge=0,
            le=10,
        ),
    ] = 0.25
    waiting_facts: Annotated[
        int,
        Meta(
            description="Events in memory that are not yet written to the log; above this number no more are read "
            "from the services.",
            ge=100,
        ),
    ] = 20_000
    compress_above: Annotated[
        int, Meta(description="Size of an event's data, in octets, above which it is compressed.", ge=64)
    ] = 1024
    max_results: Annotated[int, Meta(description="Largest number of events in one answer.", ge=1, le=100_000)] = 1000
    max_scanned: Annotated[
        int,
        Meta(description="Largest number of events examined for a text that is neither an address nor an id.", ge=1000),
    ] = 2_000_000
    max_traced: Annotated[
        int, Meta(description="Largest number of events of one mail that a trace shows.", ge=10, le=1_000_000)
    ] = 10_000
    max_followed: Annotated[
        int,
        Meta(
            description="Largest number of mailbox events examined for what happened to one mail after its delivery.",
            ge=1000,
        ),
    ] = 500_000
    tail_waiting: Annotated[
        int,
        Meta(
            description="Events that wait for a slow reader of `mailfold events --follow` before it is disconnected.",
            ge=100,
        ),
    ] = 10_000


SECTIONS: Mapping[str, type[Section]] = {"eventlog": EventlogSettings}

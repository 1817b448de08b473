"""Settings of the outbound queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class OutboundSettings(Section, frozen=True):
    """Limits of the queue."""

    max_waiting: Annotated[
        int, Meta(description="Entries the queue holds; above it, hand-overs wait with their senders.", ge=100)
    ] = 1_000_000


SECTIONS: Mapping[str, type[Section]] = {"outbound": OutboundSettings}

"""Settings of the outbound queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class OutboundSettings(Section, frozen=True):
    """Limits of the queue."""

    max_waiting: Annotated[
        int, Meta(description="Entries that the queue holds; above this number mail waits in the ingress.", ge=100)
    ] = 1_000_000


SECTIONS: Mapping[str, type[Section]] = {"outbound": OutboundSettings}

"""The port of searching the log. Its engines answer the same to every question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from services.eventlog.adapters.key_index import EVER, Span
from services.eventlog.adapters.logged_event import LoggedEvent
from services.eventlog.domain.charts import Bar
from services.eventlog.domain.question import LogQuestion


class EventRange(NamedTuple):
    """Which of the events that pass a question: those of a span, from one of its ends, up to a number."""

    span: Span = EVER
    newest_first: bool = True
    limit: int = 100


class LogSearch(Protocol):
    """An engine."""

    name: str

    async def events(self, question: LogQuestion, part: EventRange) -> list[LoggedEvent]:
        """The events, in order. Raises LimitReached, StoreUnavailable and OpenSearchError."""

    async def chart(self, question: LogQuestion, since: int, until: int, width: int) -> Mapping[int, Bar]:
        """A bar for every `width` microseconds, by its begin. Raises the same."""

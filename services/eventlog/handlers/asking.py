"""Answers questions to the log with the engine in force, and only what the caller may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, TypeVar

from services.eventlog.adapters.key_index import Span
from services.eventlog.adapters.logged_event import id_of
from services.eventlog.adapters.wire import bar_to_wire, narrowed, to_wire
from services.eventlog.domain.charts import DAY, HOUR, MOST_BARS, in_order, number_of_bars
from services.eventlog.domain.log_id import FOLLOWED, LAST, begin_of
from services.eventlog.domain.question import LogQuestion
from services.eventlog.domain.words import needles_of
from services.eventlog.handlers.search_port import EventRange, LogSearch
from shared.clock import Clock
from shared.eventstore.store import EventStore
from shared.grpc.errors import Invalid, NotFound
from shared.opensearch.errors import OpenSearchError
from shared.owner.mail_owners import Owners
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb

_LONGEST = 1_000
"""Characters of a text that is searched."""
_BARS = {HOUR: 24, DAY: 30}
"""The bars of a chart without a time."""
T = TypeVar("T")


class AskingLimits(NamedTuple):
    """The most that one answer has, and the engine that should answer."""

    max_results: int
    engine: str


class Asking:
    """Checks a question, asks an engine, and narrows the answer."""

    def __init__(
        self,
        store: EventStore,
        embedded: LogSearch,
        copied: LogSearch | None,
        owners: Owners,
        clock: Clock,
        limits: AskingLimits,
    ) -> None:
        """`copied` searches the copy in OpenSearch; None without one."""
        self._store = store
        self._embedded = embedded
        self._copied = copied
        self._owners = owners
        self._clock = clock
        self._limits = limits

    async def query(self, request: pb.QueryRequest) -> pb.LoggedEvents:
        """The events. Raises Denied, Invalid, NotFound and LimitReached."""
        sees_everything = await self._owners.sees_everything(request.domain, "EventLog/Query")
        question = checked(request, sees_everything=sees_everything)
        limit = min(request.limit or self._limits.max_results, self._limits.max_results)
        part = EventRange(await self._span(request), not request.oldest_first, limit)
        events, engine, note = await self._asked(lambda search: search.events(question, part))
        show = to_wire if sees_everything else partial(narrowed, domain=request.domain)
        return pb.LoggedEvents(events=map(show, events), engine=engine, note=note if sees_everything else "")

    async def chart(self, request: pb.ChartRequest) -> pb.ChartReply:
        """The bars. Raises Denied, Invalid and LimitReached."""
        sees_everything = await self._owners.sees_everything(request.events.domain, "EventLog/Chart")
        question = checked(request.events, sees_everything=sees_everything)
        if question.text:
            raise Invalid("a chart cannot be narrowed by a text; narrow it by address, host, result or rule", "text")
        width = DAY if request.days else HOUR
        until = request.events.until or self._clock.now() + 1
        since = request.events.since or until - until % width - (_BARS[width] - 1) * width
        if not 0 < number_of_bars(since, until, width) <= MOST_BARS:
            raise Invalid(f"a chart has 1 to {MOST_BARS} bars; choose other times, or days", "since")
        drawn, engine, note = await self._asked(lambda search: search.chart(question, since, until, width))
        bars = map(bar_to_wire, in_order(drawn))
        return pb.ChartReply(bars=bars, engine=engine, note=note if sees_everything else "")

    async def _asked(self, ask: Callable[[LogSearch], Awaitable[T]]) -> tuple[T, str, str]:
        """The answer, the engine that gave it, and why it was not OpenSearch."""
        note = ""
        if self._copied is not None:
            try:
                return await ask(self._copied), self._copied.name, ""
            except OpenSearchError as error:
                note = f"the log itself answered: {error}"
        return await ask(self._embedded), self._embedded.name, note

    async def _span(self, request: pb.QueryRequest) -> Span:
        first, end = begin_of(request.since), begin_of(request.until) if request.until else LAST
        if request.before:
            end = min(end, await self._place(request.before, "before"))
        if request.after:
            first = max(first, await self._place(request.after, "after") + 1)
        return Span(first, end)

    async def _place(self, event_id: str, name: str) -> int:
        place = await self._store.read_long(partial(id_of, event_id=event_id))
        if place is None:
            raise NotFound(f"the log has no event {event_id}", name)
        return place


def checked(request: pb.QueryRequest, *, sees_everything: bool) -> LogQuestion:
    """The question. Raises Invalid."""
    if request.service and request.service not in FOLLOWED:
        raise Invalid(f"no service {request.service}; there are {', '.join(FOLLOWED)}", "service")
    text = request.text.strip()
    if text and not needles_of(text):
        raise Invalid("a text needs a letter or a digit", "text")
    if len(text) > _LONGEST:
        raise Invalid(f"a text has at most {_LONGEST} characters", "text")
    if text and not sees_everything:
        raise Invalid("an admin of a domain searches by address, host, id, result or rule, not by a text", "text")
    names = ("type", "service", "domain", "account", "address", "remote", "message_id", "queue_id", "result", "rule")
    return LogQuestion(**{name: getattr(request, name) for name in names}, text=text)

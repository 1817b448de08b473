"""`mailfold events --follow`: no event is missed between the log and its tail, and none is printed twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import orjson
import pytest

from mailfold.commands.trace_printing import Query, print_events
from mailfold.operator import log
from mailfold.operator.session import Session
from mailfold.trace.story import LoggedEvent


def event(identity: str) -> LoggedEvent:
    return LoggedEvent(identity, "mail.received", 1, "{}", "", b"{}")


class EventLog:
    """A log in which an event arrives at the moment when it is queried."""

    def __init__(self) -> None:
        self.logged = [event("first")]
        self._later: list[LoggedEvent] | None = None

    async def query(self, *_: Any, **__: Any) -> log.Selected:
        answer = list(self.logged)
        self._log(event("second"))
        return log.Selected(answer)

    async def tail(self, *_: Any) -> AsyncIterator[list[LoggedEvent]]:
        self._later = []
        self._log(event("zeroth"))
        yield []
        yield self._later

    def _log(self, logged: LoggedEvent) -> None:
        self.logged.append(logged)
        if self._later is not None:
            self._later.append(logged)


async def test_an_event_that_comes_while_the_log_is_read(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    events = EventLog()
    monkeypatch.setattr(log, "query", events.query)
    monkeypatch.setattr(log, "tail", events.tail)
    await print_events(cast(Session, None), Query("", "", 0, 100), follow=True, json=True)
    printed = [orjson.loads(line)["id"] for line in capfd.readouterr().out.splitlines()]
    assert printed == ["first", "zeroth", "second"]

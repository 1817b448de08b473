"""The journal of log-ins does not hold the event loop while it writes those of a flood."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.directory.domain.folded_logins import FoldedLogin, FoldedLogins
from services.directory.domain.lockouts import Lockouts
from services.directory.handlers.login_journal import LoginJournal
from shared.clock import SystemClock
from shared.eventstore.store import EventStore


class _Store:
    """Notes how it was asked to write."""

    def __init__(self) -> None:
        self.long: list[bool] = []

    async def write(self, _work: Any, *, long: bool = False) -> None:
        self.long.append(long)


@pytest.mark.parametrize(("log_ins", "long"), [(3, False), (400, True)])
async def test_many_log_ins_are_written_beside_the_event_loop(log_ins: int, long: bool) -> None:
    store, folded = _Store(), FoldedLogins()
    for number in range(log_ins):
        folded.note(FoldedLogin(f"u{number}", f"a{number}", "", "imap", "192.0.2.1"))
    journal = LoginJournal(cast(EventStore, store), folded, Lockouts(), SystemClock(), 60.0)
    await journal.write()
    assert store.long == [long]

"""Messages expire in pages, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.state import TRASH
from services.mailstore.handlers.expiry import Expiry, ExpiryRules, Rules
from services.mailstore.handlers.expiry_commands import ExpiryCommands
from services.mailstore.settings import MailstoreSettings
from shared.clock import FixedClock
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.expiry import DAY, ExpiryRule
from shared.ids import Ids
from tests.integration.mailstore.counted import ACCOUNT, counted_mailstore

_OPERATOR = Provenance(Actor("operator"))


class OneRule(ExpiryRules):
    """Replaces the directory: 30 days in Trash."""

    def __init__(self) -> None: ...

    async def any(self) -> bool:
        return True

    async def of(self, accounts: Sequence[str]) -> Rules:
        return {account: {TRASH: ExpiryRule(30, 0)} for account in accounts}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_more_messages_than_a_page(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    database: Any = tmp_path / "mailstore.sqlite"
    if kind == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    clock = FixedClock()
    async with counted_mailstore(database, steps=False, clock=clock) as mailstore:
        commands, expiry = (
            ExpiryCommands(mailstore.store, OneRule(), clock, MailstoreSettings()),
            Expiry(mailstore.store, OneRule(), clock, 60, Ids(clock)),
        )
        await mailstore.append(700)
        prospect = await commands.change(ACCOUNT, "INBOX", 5, _OPERATOR, dry_run=False)
        goes_at = clock.now() + 5 * DAY
        assert prospect == ("INBOX", 5, 5, 700, 0, goes_at, goes_at)
        clock.at = goes_at - 1
        assert await expiry.look() == 0
        clock.at = goes_at
        assert await expiry.look() == 700
        assert await expiry.look() == 0
        listed = await commands.listed(ACCOUNT)
        assert [(entry.name, entry.days, entry.messages) for entry in listed] == [
            ("INBOX", 5, 0),
            ("Spam", -1, 0),
            ("Trash", 30, 0),
        ]

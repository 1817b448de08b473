"""Reading is measured against Dovecot alone: every operation is carried out, undone, and refused ones are named."""

from __future__ import annotations

import contextlib

import pytest
from rich.console import Console

from loadtest.content.filler import filler_profile
from loadtest.content.profile import Profile
from loadtest.figures import ReadingTime
from loadtest.imap.session import ImapRefused
from loadtest.reading import dovecot
from loadtest.reading.measure import ReadServer, fill, measure_reading
from loadtest.reading.operations import COPIES, MAILBOX, MOVED, operations
from loadtest.reading.table import reading_table
from tests.parts.required import needs

_MESSAGES = 30


async def test_every_operation_leaves_the_mailbox_as_it_was() -> None:
    needs(dovecot)
    profile = filler_profile(Profile(), 800)
    async with dovecot.dovecot() as peer:
        server = ReadServer("Dovecot", peer.port, dovecot.USER, dovecot.PASSWORD, peer.pop3_port)
        fill(server, _MESSAGES, profile, lambda: None)
        times = measure_reading([server], _MESSAGES, 2, profile, lambda: None)
        with server.connect() as connection:
            for mailbox, count in ((MAILBOX, _MESSAGES), (COPIES, 0), (MOVED, 0)):
                assert b"(MESSAGES %d)" % count in connection.command(b"STATUS %s (MESSAGES)" % mailbox)
            with pytest.raises(ImapRefused, match="BAD"):
                connection.command(b"NONSENSE")
    assert len(times) == len(operations(_MESSAGES)) + 5
    assert not [time for time in times if time.refusal or time.warm_ms <= 0]


async def test_a_wrong_password_ends_the_measurement() -> None:
    needs(dovecot)
    async with dovecot.dovecot() as peer:
        with pytest.raises(ImapRefused), contextlib.suppress(OSError):
            fill(ReadServer("Dovecot", peer.port, dovecot.USER, "wrong", peer.pop3_port), 1, Profile(), lambda: None)


def test_the_table_has_the_ratio_and_names_refusals() -> None:
    times = [
        ReadingTime(operation="SELECT", server="Mailfold", first_ms=4, warm_ms=3),
        ReadingTime(operation="SELECT", server="Dovecot", first_ms=8, warm_ms=6),
        ReadingTime(operation="SORT", server="Mailfold", first_ms=0, warm_ms=0, refusal="BAD Unknown command"),
        ReadingTime(operation="SORT", server="Dovecot", first_ms=8, warm_ms=6),
    ]
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(reading_table(times))
    text = console.export_text()
    assert "0.50" in text and "BAD Unknown command" in text

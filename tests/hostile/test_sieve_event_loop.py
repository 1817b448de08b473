"""What strangers write into a mail never makes a script hold the event loop: large work is done in a thread."""

from __future__ import annotations

import threading

import pytest

from shared.protocol.message.scan import scan
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.mail.message import SieveMessage
from shared.scripts.questions import Answer, ScriptQuestion
from shared.scripts.running import ScriptInput, run


class WatchedOctets:
    """A message that notes which threads read it."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.on_loop = 0
        """Octets that were read in the main thread."""
        self.in_threads = 0

    def read(self, start: int, end: int) -> bytes:
        """The octets [start, end)."""
        piece = self._octets[start:end]
        if threading.current_thread() is threading.main_thread():
            self.on_loop += len(piece)
        else:
            self.in_threads += len(piece)
        return piece


async def read_by(script: str, message: bytes) -> WatchedOctets:
    """Run a script over a message; returns who has read it."""

    async def answer(_question: ScriptQuestion) -> Answer:
        return False

    octets = WatchedOctets(message)
    given = ScriptInput(SieveMessage(octets, scan(message)), SieveEnvelope("a@b.example"), SieveEnvironment())
    outcome = await run(compile_script(script.encode()), given, answer)
    assert outcome.failure is None
    return octets


@pytest.mark.parametrize(
    ("script", "field"),
    [
        ('if address "to" "b" { keep; }', b"To: " + b"a@b.example, " * 15_000),
        ('if header :contains "subject" "b" { keep; }', b"Subject: " + b"=?utf-8?q?a?= " * 15_000),
        ('if address "from" "b" { keep; }', b"From: " + b'"\\' * 100_000),
        ('require "mailbox"; if mailboxexists ["a", "b", "c"] { keep; }', b"X: " + b"y" * 200_000),
    ],
)
async def test_a_large_header_is_read_in_a_thread(script: str, field: bytes) -> None:
    octets = await read_by(f'{script} if header "x" "1" {{ discard; }}', field + b"\r\n\r\ntext\r\n")
    assert octets.on_loop == 0 and octets.in_threads > 0


async def test_an_ordinary_message_needs_no_thread() -> None:
    octets = await read_by('if header "subject" "1" { discard; }', b"Subject: x\r\n\r\n" + b"y" * 100_000)
    assert octets.in_threads == 0 and octets.on_loop > 0


async def test_a_large_body_is_read_in_a_thread() -> None:
    body = b"Subject: x\r\n\r\n" + b"y" * 900_000
    octets = await read_by('require "body"; if body :raw :contains "zzz" { discard; }', body)
    assert octets.on_loop < 10_000 and octets.in_threads > 800_000


async def test_many_questions_over_a_large_header_are_answered() -> None:
    asked = "".join(f'if mailboxexists "m{number}" {{ discard; }}' for number in range(60))
    octets = await read_by(
        f'require "mailbox"; if header "x" "1" {{ stop; }} {asked}', b"X: " + b"y" * 100_000 + b"\r\n\r\n"
    )
    assert octets.on_loop == 0

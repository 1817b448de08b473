"""What an attempt records when this server fails, or the time of the attempt ends, while the mail is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.outbound.adapters.connection import OutgoingConnection
from services.outbound.adapters.transport import SmtpTransport
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.schedule import AttemptTime
from services.outbound.domain.sent import HopSignal
from services.outbound.domain.tls_demand import TlsDemand
from services.outbound.handlers.family_refusals import FamilyRefusals
from shared.blobs.errors import BlobError
from shared.clock import FixedClock
from shared.events.outbound import OutboundQueued
from shared.eventstore.connection import StoreUnavailable
from shared.protocol.smtp.client.timeouts import Stage

REFUSALS = FamilyRefusals(FixedClock())
HOP = NextHop("mx.far.example", "mx far.example", "far.example", (HopAddress("mx.far.example", "192.0.2.1", 25),))
QUEUED = OutboundQueued("e1", "q1", "bob@far.example", 0, "g0001/b", b"", 7, "ann@example.org", "bob@far.example")


class FailingDemands:
    """Demands that cannot be decided."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def of(self, *_: object, **__: object) -> TlsDemand:
        raise self._error


class Message:
    """A message whose form is never asked for."""

    is_tls_optional = False
    size = 7


def ignored() -> None:
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailable("disk full"), "the database does not answer: disk full"),
        (BlobError("reading blob"), "the message cannot be read from the store: reading blob"),
    ],
)
async def test_a_fault_of_this_server_defers_the_mail_and_says_nothing_about_the_hop(
    error: Exception, reason: str
) -> None:
    transport = SmtpTransport(cast(Any, None), cast(Any, FailingDemands(error)), AttemptTime(60.0), REFUSALS)
    mail = ReadyMail("q1", "far.example", "ann@example.org", (QueueEntry(QUEUED, 0, 0, 0),))
    sent = await transport.send(HOP, mail, cast(Any, Message()), ignored)
    assert sent.outcomes == {"e1": RecipientOutcome(SendingResult.DEFERRED, "4.3.0", reason, Cause.OURS)}
    assert sent.signal is HopSignal.SILENT


class StuckConnection:
    """A connection whose server never answers at this stage. It is the whole pool of connections as well."""

    forms = None
    mails = 1

    def __init__(self, stage: Stage) -> None:
        self.last_stage = stage.value
        self.is_aborted = False

    def idle(self, key: object) -> None:
        return None

    async def open(self, *_: object) -> StuckConnection:
        return self

    async def transact(self, *_: object) -> None:
        await asyncio.Event().wait()

    def abort(self) -> None:
        self.is_aborted = True


class AnyForm:
    """A message with a form for every server."""

    is_tls_optional = False
    final = SimpleNamespace(eight_bit=False, binary=False, smtputf8=False)
    size = 7
    pieces = None

    async def form(self, peer: object) -> AnyForm:
        return self


class Demands:
    """Demands nothing."""

    async def of(self, *_: object, **__: object) -> TlsDemand:
        return TlsDemand()


@pytest.mark.parametrize(
    ("stage", "result"), [(Stage.END, SendingResult.PERHAPS_DELIVERED), (Stage.RCPT, SendingResult.DEFERRED)]
)
async def test_a_time_out_after_the_message_leaves_the_delivery_in_doubt(stage: Stage, result: SendingResult) -> None:
    connection = StuckConnection(stage)
    transport = SmtpTransport(cast(Any, connection), cast(Any, Demands()), AttemptTime(0.01, 1_000_000), REFUSALS)
    mail = ReadyMail("q1", "far.example", "ann@example.org", (QueueEntry(QUEUED, 0, 0, 0),))
    sent = await transport.send(HOP, mail, cast(Any, AnyForm()), ignored)
    assert sent.outcomes["e1"].result is result
    assert sent.outcomes["e1"].reason == "the attempt took longer than 0.010007 s"
    assert connection.is_aborted


class FastWire:
    """A wire that takes every octet at once."""

    has_input = False

    def write(self, data: bytes) -> None:
        pass

    async def drain(self, seconds: float) -> None:
        pass


class Session:
    """A session that sends a body."""

    takes_body = body_room = True
    timeout = None

    def __init__(self) -> None:
        self.pieces = 0

    def body(self, piece: bytes) -> None:
        self.pieces += 1

    def output(self) -> bytes:
        return b""

    def end_body(self) -> None:
        pass


async def test_other_work_runs_between_the_pieces_of_a_large_message() -> None:
    session = Session()
    connection = OutgoingConnection(cast(Any, FastWire()), cast(Any, session), HOP.addresses[0], TlsDemand())
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            asyncio.get_running_loop().call_soon(lambda: seen.append(session.pieces))
            yield b"x"

    await connection._send_body(pieces())
    assert seen == [1, 1, 2, 3, 4]  # a piece is sent when the next is there, and the last one with the end


class Challenge:
    """A wire with a reply of the server, and a session at a stage, which notes the thread that handles the reply."""

    waits = 0
    timeout = 60.0

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.threads: list[threading.Thread] = []

    async def read(self, seconds: float) -> bytes:
        return b"334 cj0=\r\n"

    def receive(self, data: bytes) -> None:
        self.threads.append(threading.current_thread())


@pytest.mark.parametrize(("stage", "on_the_loop"), [(Stage.AUTH, False), (Stage.MAIL, True)])
async def test_a_challenge_is_answered_in_a_thread_because_scram_derives_a_key(stage: Stage, on_the_loop: bool) -> None:
    double = Challenge(stage)
    await OutgoingConnection(cast(Any, double), cast(Any, double), HOP.addresses[0], TlsDemand())._receive()
    assert [thread is threading.main_thread() for thread in double.threads] == [on_the_loop]

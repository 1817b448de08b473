"""The mail signature that was chosen for a mail is placed before DKIM signs it, or the reason is recorded, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest

from services.outbound.domain.entry import QueueEntry, evolve
from services.outbound.domain.handled_signature import HandledSignature, signature_event
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.handlers.mail_signatures import MOST_TEXT, MailSignatures
from services.outbound.handlers.messages import MessagePreparer, PreparedMessage
from shared.blobs.memory import MemoryBlobs
from shared.clock import FixedClock
from shared.events.outbound import OutboundQueued, OutboundSignaturePlaced, OutboundSignatureSkipped, SignedText
from shared.events.signatures import ChosenSignature
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.grpc.errors import Unavailable
from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature, SkipReason
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.message import PeerForms
from shared.protocol.message.scan import Scan, Scanner
from shared.scans import store_message

CHOSEN = ChosenSignature("v1", {"name": "Ann"})
HEAD = b"From: ann@example.org\r\nSubject: x\r\n\r\n"


class Texts:
    """Knows one version."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0

    async def version(self, identity: str) -> MailSignature | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return MailSignature("{name}, Example Ltd") if identity == "v1" else None


class Reading:
    """A message in memory that notes which threads read it."""

    def __init__(self, octets: bytes) -> None:
        scanner = Scanner()
        scanner.feed(octets)
        self.scan: Scan = scanner.finish()
        self.header = octets[: self.scan.header_end]
        self.threads: set[int] = set()
        self._octets = octets

    def __call__(self, start: int, end: int) -> Iterator[bytes]:
        self.threads.add(threading.get_ident())
        yield self._octets[start:end]


def entry_with(signature: ChosenSignature | None, blob: str = "g1/1") -> QueueEntry:
    queued = OutboundQueued(
        "e1", "q1", "b@far.example", 0, blob, b"", 7, "ann@example.org", "b@far.example", signature=signature
    )
    return QueueEntry(queued, 0, 0, 0)


async def placed(octets: bytes, chosen: ChosenSignature = CHOSEN) -> tuple[object, set[int]]:
    reading = Reading(octets)
    outcome = await MailSignatures(Texts()).place(chosen, reading.header, reading.scan, reading)
    return outcome, reading.threads


async def test_a_small_mail_is_handled_at_once_and_a_large_one_in_a_thread() -> None:
    here = {threading.get_ident()}
    small, threads = await placed(HEAD + b"Hello.\r\n")
    assert isinstance(small, PlacedSignature) and threads == here
    large, threads = await placed(HEAD + b"Hello, this is a line.\r\n" * 3_000)
    assert isinstance(large, PlacedSignature) and threads.isdisjoint(here)


async def test_texts_above_the_limit_are_not_even_read() -> None:
    line = b"Hello, this is a line.\r\n"
    outcome, threads = await placed(HEAD + line * (MOST_TEXT // len(line) + 1))
    assert outcome == NotPlaced(SkipReason.TOO_LARGE, "1") and threads == set()


async def test_a_program_gets_it_only_when_that_was_chosen() -> None:
    octets = b"Auto-Submitted: auto-generated\r\n" + HEAD + b"Hello.\r\n"
    outcome, _ = await placed(octets)
    assert outcome == NotPlaced(SkipReason.AUTOMATIC)
    outcome, _ = await placed(octets, msgspec.structs.replace(CHOSEN, signs_automatic=True))
    assert isinstance(outcome, PlacedSignature)


async def prepared(texts: Texts, chosen: ChosenSignature | None) -> tuple[object, bytes]:
    blobs = MemoryBlobs()
    stored = await store_message(blobs, HEAD + b"Hello.\r\n")
    entry = entry_with(chosen, str(stored.id))
    mail = ReadyMail("q1", "far.example", "ann@example.org", (entry,))
    message = await MessagePreparer(blobs, FixedClock(), MailSignatures(texts), "mail.example.org").prepare(mail)
    if not isinstance(message, PreparedMessage):
        return message, b""
    form = await message.form(PeerForms())
    return message.signature, b"".join(form.pieces())  # type: ignore[union-attr]


async def test_what_is_sent_has_it_and_other_mail_asks_nobody() -> None:
    signature, sent = await prepared(Texts(), CHOSEN)
    assert isinstance(signature, HandledSignature) and [text.position for text in signature.texts] == ["end"]
    assert sent.endswith(b"\r\n\r\nHello.\r\n\r\n-- \r\nAnn, Example Ltd\r\n")
    texts = Texts()
    assert await prepared(texts, None) == (None, HEAD + b"Hello.\r\n")
    assert texts.asked == 0


async def test_a_version_that_is_gone_is_recorded_and_a_directory_that_is_away_defers_the_mail() -> None:
    signature, sent = await prepared(Texts(), ChosenSignature("v0"))
    assert (signature, sent) == (HandledSignature(reason="missing"), HEAD + b"Hello.\r\n")
    outcome, _ = await prepared(Texts(Unavailable("no answer", "away")), CHOSEN)
    assert isinstance(outcome, RecipientOutcome)
    assert (outcome.result, outcome.status, outcome.cause) == (SendingResult.DEFERRED, "4.3.0", Cause.OURS)


PLACED = OutboundSignaturePlaced("e1", "q1", "v1", (SignedText("1", "plain", "end", "7bit", "us-ascii"),))
SKIPPED = OutboundSignatureSkipped("e1", "q1", "v1", "signed", "1.2")


@pytest.mark.parametrize("event", [PLACED, SKIPPED])
def test_it_is_recorded_once(event: Event) -> None:
    entry = entry_with(CHOSEN)
    signature = HandledSignature((), "signed", "1.2")
    assert signature_event(entry, signature) == SKIPPED
    after = evolve(entry, Recorded(0, 2, "e1", 2, 5, Provenance(Actor("service")), event))
    assert after is not None and after.version == 2
    assert signature_event(after, signature) is None
    assert signature_event(entry_with(None), signature) is signature_event(entry, None) is None

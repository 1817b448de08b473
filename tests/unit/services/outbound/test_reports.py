"""A notification that cannot be written never keeps the outcome of an attempt from being recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.handlers import reports
from services.outbound.handlers.reports import Reports
from shared.blobs.errors import BlobStoreFull
from shared.blobs.local import LocalBlobs
from shared.clock import FixedClock
from shared.events.outbound import OutboundBounced, OutboundQueued, OutboundReportFailed, OutboundReportMade
from shared.eventstore.event import Event
from shared.ids import Ids
from shared.protocol.dsn.content import Original
from shared.protocol.dsn.report import build
from shared.protocol.languages.addressee import Addressee
from shared.scans import store_message


async def plainly(address: str) -> Addressee:
    return Addressee(address)


async def made(folder: Path) -> list[tuple[str, Event]]:
    """The events of the notification about one bounced mail."""
    blobs = LocalBlobs(folder, "g0001")
    blobs.start()
    clock = FixedClock()
    stored = await store_message(blobs, b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n")
    queued = OutboundQueued(
        "e1", "q1", "bob@far.example", 0, stored.id, b"", stored.size, "ann@example.org", "bob@far.example"
    )
    bounced = OutboundBounced("e1", "q1", "bob@far.example", "5.1.1", "550 5.1.1 no such user")
    writer = Reports(blobs, RetrySchedule(), clock, Ids(clock), "mail.example.org", plainly)
    try:
        return await writer.about([(QueueEntry(queued, 0, 0, 0), bounced)])
    finally:
        await blobs.close()


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Original], Exception | None]) -> None:
    def instead(original: Original, *others: Any) -> bytes:
        error = fails(original)
        if error is not None:
            raise error
        return build(original, *others)

    monkeypatch.setattr(reports, "build", instead)


async def test_a_report_that_the_content_of_the_mail_prevents_is_made_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, lambda original: KeyError("unforeseen") if original.header else None)
    ((stream, event),) = await made(tmp_path)
    assert isinstance(event, OutboundReportMade)
    assert (event.report, event.entries, event.to) == (stream, ("e1",), "ann@example.org")


async def test_a_report_that_can_never_be_made_is_given_up_with_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, lambda _: KeyError("unforeseen" * 100))
    ((stream, event),) = await made(tmp_path)
    assert event == OutboundReportFailed(
        stream, "q1", "failed", ("e1",), "ann@example.org", repr(KeyError("unforeseen" * 100))[:300]
    )


async def test_a_full_disk_is_waited_for_and_gives_up_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, lambda _: BlobStoreFull("no space left"))
    with pytest.raises(BlobStoreFull):
        await made(tmp_path)

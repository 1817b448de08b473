"""A repeated reception gets the recorded verdict, and the mail is not examined again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy

from services.classifier.handlers.judge import Judge
from services.classifier.handlers.own_evidence import OwnEvidence
from services.classifier.handlers.sender_lists import SenderLists
from services.classifier.handlers.teacher import Teacher
from services.classifier.projections.lessons import LessonProjection
from services.classifier.settings import ClassifierSettings
from shared.blobs.memory import MemoryBlobs
from shared.clock import SystemClock
from shared.events.mail import Client, MailReceived, Message, Recipient
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.protocol.message.scan import encode_scan, scan
from shared.routing.block_lists import BlockLists

MAIL = b"Subject: once\r\n\r\nlook at me once\r\n"


class Nobody:
    """An address book without addresses."""

    def __init__(self) -> None:
        self.lists = BlockLists()

    def account_of(self, addresses: Sequence[str]) -> str:
        return ""

    def accounts_of(self, addresses: Sequence[str]) -> Iterator[str]:
        yield from ()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    opened = EventStore(
        SqliteBackend(tmp_path / "classifier.sqlite"), metadata, (LessonProjection(metadata),), SystemClock()
    )
    await opened.open()
    yield opened
    await opened.close()


async def test_a_repeat_reads_no_mail(store: EventStore) -> None:
    blobs = MemoryBlobs()
    writer = blobs.writer()
    writer.write(MAIL)
    blob = await writer.commit(encode_scan(scan(MAIL)))
    message = Message(blob.id, blob.size)
    mail = MailReceived("q1", "bob@example.net", (Recipient("ann@example.org"),), message, Client("192.0.2.1"))
    nobody = Nobody()
    judge = Judge(
        store, blobs, Teacher(store, 1.0), ClassifierSettings(), nobody, OwnEvidence(store), SenderLists(nobody)
    )
    first = await judge.classify(mail)
    await blobs.delete(blob.id)
    assert await judge.classify(mail) == first
    assert len(await store.read_stream("q1")) == 1

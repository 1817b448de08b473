"""What an account taught is kept in memory until it teaches again, within a limit of memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from services.classifier.domain.features import TOKENIZER_VERSION, features
from services.classifier.handlers import own_evidence
from services.classifier.handlers.own_evidence import OwnEvidence
from services.classifier.projections.lessons import LessonProjection
from shared.clock import SystemClock
from shared.events.spam import LessonLearned
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.protocol.message.scan import scan

ANN, BOB = "a-ann", "a-bob"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    opened = EventStore(
        SqliteBackend(tmp_path / "classifier.sqlite"), metadata, (LessonProjection(metadata),), SystemClock()
    )
    await opened.open()
    yield opened
    await opened.close()


async def teach(
    store: EventStore, own: OwnEvidence, account: str, number: int, tokenizer: int = TOKENIZER_VERSION
) -> None:
    """Commit a spam lesson and let the evidence follow it."""
    body = b"Subject: offer %d\r\n\r\nfree money%d\r\n" % (number, number)
    event = LessonLearned(
        account, f"g0001/{number}", "spam", "none", tuple(features(body, scan(body)).to_bytes()), tokenizer
    )
    reason = Provenance(Actor("account", account))
    own.committed(
        await store.write(lambda transaction: transaction.append(f"lessons:{account}", [event], reason, owner=account))
    )


async def test_lessons_are_counted_by_account(store: EventStore) -> None:
    own = OwnEvidence(store)
    assert await own.evidence_of(ANN) is None
    for number in range(3):
        await teach(store, own, ANN, number)
    result = await own.evidence_of(ANN)
    assert result is not None and (result.spam_seen, result.ham_seen) == (3, 0)
    assert await own.evidence_of(ANN) is result
    assert await own.evidence_of(BOB) is None and await own.evidence_of("") is None


async def test_a_new_lesson_is_seen(store: EventStore) -> None:
    own = OwnEvidence(store)
    await teach(store, own, ANN, 0)
    first = await own.evidence_of(ANN)
    await teach(store, own, ANN, 1)
    second = await own.evidence_of(ANN)
    assert first is not None and second is not None and (first.spam_seen, second.spam_seen) == (1, 2)


async def test_lessons_of_another_tokenizer_are_none(store: EventStore) -> None:
    own = OwnEvidence(store)
    await teach(store, own, ANN, 0, TOKENIZER_VERSION + 1)
    assert await own.evidence_of(ANN) is None


async def test_only_the_newest_are_looked_at(store: EventStore) -> None:
    own = OwnEvidence(store)
    for number in range(own_evidence.NEWEST + 5):
        await teach(store, own, ANN, number)
    result = await own.evidence_of(ANN)
    assert result is not None and result.spam_seen == own_evidence.NEWEST


async def test_who_was_asked_for_longest_ago_makes_room(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnEvidence(store)
    for account in (ANN, BOB, "a-carl"):
        await teach(store, own, account, 0)
    ann, bob = await own.evidence_of(ANN), await own.evidence_of(BOB)
    assert ann is not None and bob is not None
    monkeypatch.setattr(own_evidence, "MOST_TOKENS", 2 * len(ann))
    assert await own.evidence_of(ANN) is ann  # Bob's account is the one that was asked for longest ago
    await own.evidence_of("a-carl")
    assert await own.evidence_of(ANN) is ann
    assert await own.evidence_of(BOB) is not bob

"""With the answers of a text index, a search finds exactly what it finds without: whatever the index covers, on both
databases, and also when it names messages that no longer exist or answers nothing."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from services.mailstore.listing.pages import Listing
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import BodyQuestion, FieldQuestion, FuzzyQuestion, TextQuestion
from services.mailstore.search.scan import Searcher
from services.mailstore.search.text_index import IndexAnswer, IndexedQuestion, TextIndex
from shared.blobs.blob_id import BlobId
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.imap.ranges import ranges
from shared.protocol.search.fuzzy import FuzzyField, fuzzy_pieces, occur_fuzzily
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import store_message
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans
from tests.integration.mailstore.test_row_search import NOW
from tests.integration.mailstore.test_row_search import key as row_key

_WORDS = ("alpha", "beta", "gamma", "delta", "straße", "été")
_ASKED = (*_WORDS, "1", "no such", "", "alp", "ete", "strasse gamma", "lpha")
_MESSAGES = 120


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore


class _Index:
    """Answers from the messages for some of the UIDs."""

    def __init__(self, texts: dict[int, Candidate]) -> None:
        self._texts = texts
        self.covered: Sequence[int] = ()
        self.asked = 0

    async def ask(
        self, _account: str, _mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexedQuestion]
    ) -> IndexAnswer | None:
        self.asked += 1
        covered = [uid for uid in self.covered if bounds[0] <= uid <= bounds[1]]
        hits = {
            question: ranges(uid for uid in covered if uid in self._texts and _contains(self._texts[uid], question))
            for question in questions
            if question.text
        }
        return IndexAnswer(ranges(covered), hits)


def _contains(candidate: Candidate, question: IndexedQuestion) -> bool:
    match question:
        case FieldQuestion(name, text):
            return any(text in value for value in candidate.values(name))
        case BodyQuestion(text):
            return text in "".join(candidate.body())
        case TextQuestion(text):
            return any(text in "".join(part) for part in (candidate.header(), candidate.body()))
        case FuzzyQuestion(field, text):
            words = candidate.words(with_body=True)
            places = {FuzzyField.BODY: words[3:4], FuzzyField.SUBJECT: words[:1], FuzzyField.ANYWHERE: words[:4]}
            return occur_fuzzily(fuzzy_pieces(text), places[field])


def _mail(chance: random.Random, number: int) -> bytes:
    words = " ".join(chance.choices(_WORDS, k=5))
    subject = chance.choice(_WORDS)
    date = f"Mon, {chance.randint(1, 28)} Jan 2024 10:00:00 +0000"
    return (
        f"Subject: {subject} {number}\r\nX-Note: {chance.choice(_WORDS)}\r\nDate: {date}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    ).encode()


def _key(chance: random.Random, depth: int = 3) -> pb.SearchKey:
    """A key about texts, rows and dates."""
    if depth and chance.random() < 0.4:
        made = pb.SearchKey(negated=chance.random() < 0.3)
        inner = [_key(chance, depth - 1) for _ in range(chance.randint(1, 3))]
        getattr(made, chance.choice(("all_of", "any_of"))).keys.extend(inner)
        return made
    word = chance.choice(_ASKED)
    texts: list[dict[str, Any]] = [
        {"body": word},
        {"text": word},
        {"header": pb.HeaderTest(field=chance.choice(("Subject", "x-note", "none")), text=word)},
        {"sent_date": pb.DayTest(relation=pb.DayTest.SINCE, day=19_723 + chance.randrange(28))},
    ]
    if chance.random() < 0.3:
        return row_key(chance, _MESSAGES, 20, 1)
    fuzzy, negated = chance.random() < 0.3, chance.random() < 0.3
    return pb.SearchKey(negated=negated, fuzzy=fuzzy, **chance.choices(texts, (4, 4, 4, 1))[0])


async def _filled(mailstore: CountedMailstore, chance: random.Random) -> tuple[str, _Index]:
    candidates: dict[int, Candidate] = {}
    appended = []
    for number in range(1, _MESSAGES + 1):
        blob = await store_message(mailstore.blobs, _mail(chance, number))
        appended.append(pb.AppendMessage(blob=blob.id, size=1, internal_date=NOW, message_id=f"<{number}@a.b>"))
        row = EntryRow(number, 0, "", 1, 1, 0, 0, 0, "", "")
        candidates[number] = Candidate(row, await mailstore.blobs.read(BlobId(blob.id)))
    request = pb.AppendRequest(account=ACCOUNT, mailbox="INBOX", messages=appended)
    mailbox: str = (await mailstore.call("Append", request)).mailbox
    gone = sorted(chance.sample(range(1, _MESSAGES + 1), 20))
    uids = spans(*((uid, uid) for uid in gone))
    await mailstore.call("Store", pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=uids, flags=["\\Deleted"]))
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox))
    return mailbox, _Index(candidates)


@pytest.mark.parametrize("seed", range(2))
async def test_answers_are_the_same_with_and_without_an_index(mailstore: CountedMailstore, seed: int) -> None:
    chance = random.Random(seed)
    mailbox, index = await _filled(mailstore, chance)
    store = mailstore.store, mailstore.blobs, mailstore.turns, 100, Listing(None)
    indexed, reading = Searcher(*store, cast(TextIndex, index)), Searcher(*store)
    matching = 0
    for number in range(150):
        everything = range(1, _MESSAGES + 1)
        some = sorted(chance.sample(everything, chance.randrange(_MESSAGES)))
        index.covered = chance.choice((everything, range(1, _MESSAGES - 10), some, ()))
        asked = _key(chance)
        with_index = [(uids, modseq) async for uids, modseq in indexed.search_runs(mailbox, asked, NOW)]
        without = [page async for page in reading.search_messages(mailbox, asked, NOW)]
        flat = [uid for uids, _ in with_index for first, last in uids for uid in range(first, last + 1)]
        assert flat == [uid for uids, _ in without for uid in uids], (number, asked)
        assert max((modseq for _, modseq in with_index), default=0) == max((modseq for _, modseq in without), default=0)
        matching += len(flat)
    assert matching > 1000
    assert index.asked > 50


async def test_a_covered_search_reads_no_message(mailstore: CountedMailstore) -> None:
    chance = random.Random(7)
    mailbox, index = await _filled(mailstore, chance)
    index.covered = range(1, _MESSAGES + 1)
    store = mailstore.store, mailstore.blobs, mailstore.turns, 100, Listing(None)
    searcher = Searcher(*store, cast(TextIndex, index))
    mailstore.blobs.read = None  # type: ignore[assignment, method-assign]
    assert [uids async for uids, _ in searcher.search_runs(mailbox, pb.SearchKey(body="alpha"), NOW)]

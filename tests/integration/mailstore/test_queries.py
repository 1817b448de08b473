"""Queries over the mailboxes of an account find what a naive evaluation of their trees finds, with and without an
index, on both databases."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from services.mailstore.endpoints.finding import FindingEndpoint
from services.mailstore.finding.matches import QuerySearch
from services.mailstore.finding.order import MatchOrder
from services.mailstore.finding.query import MailQueries, MailQuery
from services.mailstore.finding.shown import MatchReader
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.reads import ReadRecords
from services.mailstore.listing.pages import Listing
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import BodyQuestion, FieldQuestion, FuzzyQuestion, TextQuestion
from services.mailstore.search.query_questions import PHRASE_PLACES, AttachmentTextQuestion, PhraseQuestion
from services.mailstore.search.scan import Searcher
from services.mailstore.search.text_index import IndexAnswer, IndexedQuestion, RankAnswer, TextIndex
from shared.blobs.blob_id import BlobId
from shared.clock import SystemClock
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import Invalid, NotFound
from shared.protocol.imap.ranges import ranges
from shared.protocol.message.folding import fold
from shared.protocol.search.fuzzy import occur_fuzzily
from shared.protocol.search.query import (
    AllOf,
    AnyOf,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxNameKey,
    NoneOf,
    QueryTree,
    ReceivedKey,
    SearchField,
    SizeKey,
    TextKey,
    WordKey,
)
from shared.protocol.search.query_parser import parse_query
from shared.protocol.search.words import occurs, words
from shared.rpc.mailfold.indexer.v1 import indexer_pb2
from shared.rpc.mailfold.mailstore.v1 import finding_pb2
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import store_message
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore

_DAY = 86_400_000_000
_NOW = 20_000 * _DAY + _DAY // 2
_WORDS = ("alpha", "beta", "gamma", "Straße", "été", "東京タワー", "invoices")
_ASKED = (*_WORDS, "invoi*", '"alpha beta"', '="lph"', '="東京"', "京タ", "ete", "strasse", "nowhere", '"beta gam"*')
_BOXES = ("INBOX", "Work", "Trash", "Spam")
_ASIDE = ("Spam", "Trash")
_MESSAGES = 80


class Mail(NamedTuple):
    """A message as the naive evaluation knows it."""

    mailbox: str
    uid: int
    subject: str
    sender: str
    to: str
    cc: str
    body: str
    attachment: str
    date: int
    size: int
    flags: tuple[str, ...]
    octets: bytes

    def texts(self, field: SearchField) -> list[str]:
        match field:
            case SearchField.ANYWHERE:
                return [self.subject, self.sender, self.to, self.cc, self.body]
            case SearchField.FROM:
                return [self.sender]
            case SearchField.TO:
                return [self.to, self.cc]
            case SearchField.CC:
                return [self.cc]
            case SearchField.SUBJECT:
                return [self.subject]
            case SearchField.BODY:
                return [self.body]
            case SearchField.FILENAME:
                return [self.attachment]
            case _:
                return []


def holds(tree: QueryTree, mail: Mail) -> bool:
    match tree:
        case AllOf(parts):
            return all(holds(part, mail) for part in parts)
        case AnyOf(parts):
            return any(holds(part, mail) for part in parts)
        case NoneOf(parts):
            return not any(holds(part, mail) for part in parts)
        case WordKey(SearchField.CC | SearchField.BCC | SearchField.FILENAME as field, _, text):
            return any(fold(text) in fold(part) for part in mail.texts(field))
        case WordKey(field, sought, _):
            return any(occurs(sought, words(part)) for part in mail.texts(field))
        case TextKey(SearchField.TO, text):
            return fold(text) in fold(mail.to)
        case TextKey(field, text):
            return any(fold(text) in fold(part) for part in (*mail.texts(field), mail.attachment))
        case HeaderKey("Subject", text):
            return fold(text) in fold(mail.subject)
        case AttachmentKey(present):
            return bool(mail.attachment) is present
        case ReceivedKey(since, before):
            return (since is None or mail.date >= since) and (before is None or mail.date < before)
        case SizeKey(least, below):
            return (least is None or mail.size >= least) and (below is None or mail.size < below)
        case FlagKey(flag, is_set):
            return (flag.lower() in map(str.lower, mail.flags)) is is_set
        case MailboxNameKey(name):
            return name.lower() == mail.mailbox.lower()
    raise AssertionError(tree)


def _query(chance: random.Random, depth: int = 2) -> str:
    if depth and chance.random() < 0.5:
        parts = [_query(chance, depth - 1) for _ in range(chance.randint(2, 3))]
        text = chance.choice((" ", " OR ")).join(parts)
        return f"-({text})" if chance.random() < 0.25 else f"({text})"
    word = chance.choice(_ASKED)
    field = chance.choice(("", "", "subject:", "from:", "to:", "cc:", "body:", "filename:", "attachment:"))
    if field and word.startswith("="):
        word = word.removeprefix("=")
    others = (
        "has:attachment",
        f"before:{chance.choice(('2024-10-03', '5d', '2024-09'))}",
        f"after:{chance.choice(('2024-10-03', '5d', '2024-09-30T10:30'))}",
        chance.choice(("larger:1K", "smaller:1K")),
        chance.choice(("is:unread", "is:flagged", "keyword:work")),
        f"in:{chance.choice(_BOXES)}",
        "header:Subject:lph",
    )
    text = chance.choice(others) if chance.random() < 0.4 else field + word
    return f"-{text}" if chance.random() < 0.2 else text


class _Index:
    """Answers from the messages for some of the UIDs of each mailbox."""

    def __init__(self, candidates: dict[str, dict[int, Candidate]]) -> None:
        self._candidates = candidates
        self.covered = 0.0
        self.chance = random.Random(1)

    async def ask(
        self, _account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexedQuestion]
    ) -> IndexAnswer | None:
        there = self._candidates[mailbox]
        covered = [uid for uid in there if bounds[0] <= uid <= bounds[1] and self.chance.random() < self.covered]
        hits = {asked: ranges(uid for uid in covered if _contains(there[uid], asked)) for asked in questions}
        return IndexAnswer(ranges(covered), hits)

    async def rank(
        self, _account: str, mailboxes: Sequence[str], query: indexer_pb2.WordQuery, _limit: int
    ) -> RankAnswer | None:
        """The lower the UID the better, for messages in whose subject the first word is."""
        sought = fold(query.any_of.queries[0].words.text)
        messages = [
            indexer_pb2.RankedMessage(mailbox=mailbox, uid=uid, score=1000 - uid)
            for mailbox in mailboxes
            for uid, candidate in self._candidates[mailbox].items()
            if any(sought in value for value in candidate.values("subject"))
        ]
        return RankAnswer(sorted(messages, key=lambda message: -message.score), {})


def _contains(candidate: Candidate, question: IndexedQuestion) -> bool:
    match question:
        case FieldQuestion(name, text):
            return any(text in value for value in candidate.values(name))
        case BodyQuestion(text):
            return text in "".join(candidate.body())
        case TextQuestion(text):
            parts = (candidate.header(), candidate.body(), candidate.part_headers())
            return any(text in "".join(part) for part in parts)
        case PhraseQuestion(field, _, _):
            sought = candidate.words(with_body=True)
            return occur_fuzzily([question.piece], [sought[place] for place in PHRASE_PLACES[field]])
        case AttachmentTextQuestion():
            return False
        case FuzzyQuestion():
            raise AssertionError("the query language has no FUZZY")


def _mail(chance: random.Random, mailbox: str, uid: int) -> Mail:
    subject, body = (" ".join(chance.choices(_WORDS, k=size)) for size in (2, 5))
    sender, to, cc = (f"{chance.choice(_WORDS[:3])} <{chance.choice(_WORDS[:3])}@example.org>" for _ in range(3))
    message = EmailMessage()
    message["Subject"], message["From"], message["To"], message["Cc"] = subject, sender, to, cc
    message.set_content(body + "\nx" * chance.choice((1, 800)))
    attachment = f"{chance.choice(_WORDS[:3])}.bin" if chance.random() < 0.3 else ""
    if attachment:
        message.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename=attachment)
    octets = message.as_bytes().replace(b"\n", b"\r\n")
    date = _NOW - chance.randrange(20) * _DAY - chance.randrange(_DAY)
    flags = tuple(flag for flag in ("\\Seen", "\\Flagged", "work") if chance.random() < 0.4)
    return Mail(mailbox, uid, subject, sender, to, cc, body, attachment, date, len(octets), flags, octets)


class Stored(NamedTuple):
    """A store with messages."""

    mailstore: CountedMailstore
    mails: list[Mail]
    index: _Index

    def queries(self, *, indexed: bool = False, messages: int = 1000, octets: int = 1 << 30) -> MailQueries:
        store, blobs, turns = self.mailstore.store, self.mailstore.blobs, self.mailstore.turns
        index = cast(TextIndex, self.index) if indexed else None
        searcher = Searcher(store, blobs, turns, 200, Listing(None), index)
        search = QuerySearch(store, searcher, turns, messages, octets)
        return MailQueries(store, search, MatchOrder(store, turns, index), MatchReader(store, blobs, turns))

    def expected(self, query: str, left_out: Sequence[str] = ()) -> list[tuple[str, int]]:
        tree = parse_query(query, datetime.fromtimestamp(_NOW // 1_000_000, UTC))
        found = [mail for mail in self.mails if mail.mailbox not in left_out and holds(tree, mail)]
        return [(mail.mailbox, mail.uid) for mail in sorted(found, key=lambda mail: (-mail.date, -mail.uid))]


async def _stored(mailstore: CountedMailstore) -> Stored:
    chance = random.Random(5)
    mails, candidates = [], {}
    await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="Work"))
    for name in _BOXES:
        there: dict[int, Candidate] = {}
        made = [_mail(chance, name, uid) for uid in range(1, (_MESSAGES if name == "INBOX" else 12) + 1)]
        request = pb.AppendRequest(account=ACCOUNT, mailbox=name)
        for mail in made:
            blob = await store_message(mailstore.blobs, mail.octets)
            message = {"blob": blob.id, "size": mail.size, "internal_date": mail.date, "flags": mail.flags}
            request.messages.add(message_id=f"<{name}{mail.uid}@a.b>", **message)
            row = EntryRow(mail.uid, 0, "", 1, 1, 0, 0, 0, "", "")
            there[mail.uid] = Candidate(row, await mailstore.blobs.read(BlobId(blob.id)))
        candidates[(await mailstore.call("Append", request)).mailbox] = there
        mails += made
    return Stored(mailstore, mails, _Index(candidates))


@pytest.fixture(params=["sqlite", "postgresql"])
async def stored(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stored]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield await _stored(mailstore)


def asked(text: str, *, by_relevance: bool = False, limit: int = 500, offset: int = 0, **more: Any) -> MailQuery:
    return MailQuery(ACCOUNT, text, more.get("mailboxes", ()), by_relevance, limit, offset, 0)


async def test_queries_find_what_their_trees_say(stored: Stored) -> None:
    chance, found = random.Random(11), 0
    for number in range(60):
        text = _query(chance)
        indexed = number % 3 > 0
        stored.index.covered = chance.choice((1.0, 1.0, 0.5))
        answer = await stored.queries(indexed=indexed).answer(asked(text, mailboxes=_BOXES), _NOW)
        assert not answer.is_partial
        shown = [(answer.names[message.place.mailbox], message.row.uid) for message in answer.messages]
        assert sorted(shown) == sorted(stored.expected(text)), (number, indexed, text)
        assert answer.total == len(shown)
        found += len(shown)
    assert found > 500


async def test_the_newest_come_first_and_pages_follow_each_other(stored: Stored) -> None:
    queries, pages = stored.queries(), []
    for offset in range(0, 60, 7):
        answer = await queries.answer(asked("alpha OR beta", limit=7, offset=offset), _NOW)
        pages += [(answer.names[message.place.mailbox], message.row.uid) for message in answer.messages]
    expected = stored.expected("alpha OR beta", left_out=_ASIDE)
    assert pages == expected[: len(pages)]
    assert answer.total == len(expected)


async def test_junk_and_trash_are_searched_when_they_are_named(stored: Stored) -> None:
    queries = stored.queries()
    for text, left_out in (
        ("alpha", _ASIDE),
        ("in:trash", ("Spam",)),
        ("-in:Spam alpha", _ASIDE),
    ):
        answer = await queries.answer(asked(text), _NOW)
        assert answer.total == len(stored.expected(text, left_out=left_out)), text


async def test_the_most_relevant_come_first(stored: Stored) -> None:
    answer = await stored.queries(indexed=True).answer(asked("alpha", by_relevance=True), _NOW)
    scores = [message.place.score for message in answer.messages]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 100
    assert 50 in scores  # those that are not ranked


async def test_a_query_reads_no_more_than_it_may_and_says_so(stored: Stored) -> None:
    for limits in ({"messages": 20}, {"octets": 20_000}):
        answer = await stored.queries(**limits).answer(asked("has:attachment", mailboxes=["INBOX"]), _NOW)
        assert answer.is_partial
        assert answer.total < len([mail for mail in stored.mails if mail.mailbox == "INBOX" and mail.attachment])
    answer = await stored.queries(messages=0).answer(asked("is:flagged larger:1", mailboxes=["INBOX"]), _NOW)
    assert answer.total
    assert not answer.is_partial


async def test_a_message_is_shown_with_its_summary_and_why_it_was_found(stored: Stored) -> None:
    answer = await stored.queries().answer(asked('subject:strasse body:"été" in:INBOX'), _NOW)
    by_uid = {mail.uid: mail for mail in stored.mails if mail.mailbox == "INBOX"}
    assert answer.messages
    for message in answer.messages:
        mail = by_uid[message.row.uid]
        assert (message.subject, message.has_attachment) == (mail.subject, bool(mail.attachment))
        assert (message.row.size, message.row.internal_date) == (mail.size, mail.date)
        assert sorted(message.row.flags) == sorted(mail.flags)
        assert message.marked_subject is not None and "<mark>Straße</mark>" in message.marked_subject.html
        assert message.snippet is not None and "<mark>été</mark>" in message.snippet.html
        assert all(message.snippet.text[start:end] == "été" for start, end in message.snippet.ranges)


class _AnyOwner:
    async def check(self, _account: str, _method: str) -> bool:
        return False


async def test_what_cannot_be_answered_is_refused_and_a_search_is_recorded(stored: Stored) -> None:
    store, clock = stored.mailstore.store, SystemClock()
    endpoint = FindingEndpoint(stored.queries(), cast(Owners, _AnyOwner()), ReadRecords(store, clock), clock)
    for fields, kind in (
        ({"query": "(a"}, Invalid),
        ({"query": "x" * 9000}, Invalid),
        ({"limit": 501}, Invalid),
        ({"offset": 10_001}, Invalid),
        ({"zone": 10_000}, Invalid),
        ({"order": 9}, Invalid),
        ({"mailboxes": ["none"]}, NotFound),
        ({"mailboxes": ["x"] * 1001}, Invalid),
    ):
        with pytest.raises(kind):
            await endpoint.Query(finding_pb2.QueryRequest(account=ACCOUNT, **fields), None)
    reply = await endpoint.Query(finding_pb2.QueryRequest(account=ACCOUNT, query="alpha", limit=3), None)
    assert len(reply.messages) == 3 < reply.total
    batches = [batch async for batch in stored.mailstore._source.ReadEvents(_from_the_start(), None)]
    searched = [event for batch in batches for event in batch.events if event.type == "message.searched"]
    assert [event.data for event in searched] == [b'{"account":"a-ann","messages":3}']


def _from_the_start() -> Any:
    from shared.rpc.mailfold.events.v1 import events_pb2

    return events_pb2.ReadEventsRequest()

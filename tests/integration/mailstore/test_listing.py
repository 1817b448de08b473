"""The listing says what the messages say: for harmful messages, after every change of a mailbox, and whatever became of
its file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.mailstore.listing.columns import PAGE_OCTETS, STRUCTURE_LIMIT, TEXT_LIMIT, VERSION
from services.mailstore.listing.page_file import PageFile, opened
from services.mailstore.listing.pages import LEAST_LACKING
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, counted_mailstore
from tests.integration.mailstore.listed import Listed, uid_set

PREFIX = b"Return-Path: <wanda@example.com>\r\nSubject: of the prefix\r\n"
HARMFUL = (
    b"",
    b"\r\n",
    b"no header at all",
    b"Subject: \xc3\xa4\xc3\xb6 raw\r\nFrom: \xe9 <a@b.example>\r\n\r\nbody",
    b'Subject: "quoted" \\ and {5}\r\n\r\n',
    b"Subject: =?utf-8?q?=00=01=02?= end\r\nTo: x\x00y@example.org\r\n\r\n",
    b"Subject:\r\nTo: \r\nDate: nonsense\r\n\r\n",
    b"Subject: one\r\nSubject: two\r\nFrom: a@example.org, group: b@example.org, c@example.org;\r\n\r\n",
    b"From: (comment) Ann <ann @ example . org>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n",
    b"Date: 31 Dec 69 23:59:59 -2359\r\nMessage-ID: <a@b>\r\nReferences: <c@d> <e@f>\r\nIn-Reply-To: <e@f>\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: \xc3\xbc inner {3}\r\n\r\nhi\r\n--x\r\nContent-Disposition: attachment;"
    b" filename=\xff\xfe\r\n\r\n--x--\r\n",
    b"\xc5\xbfubject: long s\r\nSUBJECT: \xc5\xbf\r\nList-Id: <list.example.org>\r\n\r\n",
    b"Subject: folded\r\n over\r\n\tlines\r\nBcc: hidden@example.org\r\nCc: c@example.org\r\n\r\n",
    b"Subject: " + b"x" * 70_000 + b"\r\n\r\n",
    b"To: " + b", ".join(b"a%d@example.org" % number for number in range(2000)) + b"\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\nContent-Type: text/x-%s\r\n\r\n\r\n" % (b"y" * 50) * 3000,
    b"X: y\r\n" * 20_000 + b"\r\n",
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def listed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Listed]:
    """A mailbox store on each database; its listing is a file beside it."""
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False, listing=tmp_path / "listing.sqlite") as mailstore:
        yield Listed(mailstore)


@pytest.fixture
async def full(listed: Listed) -> Listed:
    """The same with harmful and usual messages, and pages for them."""
    await _fill(listed)
    await listed.built()
    return listed


async def _fill(listed: Listed, usual: int = 60) -> None:
    for body in HARMFUL:
        await listed.mailstore.deliver_body(body, PREFIX)
    for _ in range(usual):
        await listed.mailstore.deliver()


async def test_a_listing_of_harmful_messages_equals_the_messages(full: Listed) -> None:
    await full.equals_the_messages(await full.mailbox())


async def test_a_built_listing_reads_no_message(listed: Listed) -> None:
    for _ in range(LEAST_LACKING):
        await listed.mailstore.deliver()
    mailbox = await listed.built()
    listed.reads = 0
    await listed.fetched(mailbox)
    await listed.summaries(mailbox)
    assert len(await listed.found(mailbox, _header("from", "wanda"))) == LEAST_LACKING
    assert await listed.found(mailbox, _header("subject", "nothing")) == []
    assert len(await listed.found(mailbox, pb.SearchKey(negated=True, sent_date=_day(2, 0)))) == LEAST_LACKING
    assert list((await listed.previews(mailbox)).values()) == ["Hello"] * LEAST_LACKING
    assert listed.reads == 0


async def test_new_mail_is_read_until_it_is_worth_a_page(full: Listed) -> None:
    mailbox = await full.mailbox()
    before = len(await full.records(mailbox))
    await full.mailstore.deliver_body(b"Subject: new\r\n\r\n")
    await full.equals_the_messages(mailbox)
    assert len(await full.records(mailbox)) == before
    for _ in range(LEAST_LACKING):
        await full.mailstore.deliver()
    await full.built()
    await full.equals_the_messages(mailbox)


async def test_what_was_expunged_leaves_the_file(full: Listed) -> None:
    mailbox = await full.mailbox()
    await _expunge(full, mailbox, 3, 20)
    await full.has(mailbox, [1, 2, *range(21, len(HARMFUL) + 61)])
    await full.equals_the_messages(mailbox)
    await _expunge(full, mailbox, 1, 1000)
    await full.has(mailbox, [])


async def test_what_was_expunged_leaves_the_file_also_after_a_time_without_a_database(
    full: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _OftenUnavailable(full.mailstore.store)
    monkeypatch.setattr(full.mailstore.builder, "_store", store)
    mailbox = await full.mailbox()
    await _expunge(full, mailbox, 3, 20)
    await full.has(mailbox, [1, 2, *range(21, len(HARMFUL) + 61)])
    assert store.asked > 2


class _OftenUnavailable:
    """Answers every second question."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.asked = 0

    async def read(self, ask: Any) -> Any:
        self.asked += 1
        if self.asked % 2:
            raise StoreUnavailable("the connection was lost")
        return await self._store.read(ask)


async def test_moved_and_copied_messages_are_listed_where_they_are(full: Listed) -> None:
    mailbox = await full.mailbox()
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=mailbox, uids=uid_set(1, 40), target="Archive", messages=40)
    await full.mailstore.call("Copy", copy)
    await full.mailstore.call("Move", copy)
    await full.has(mailbox, range(41, len(HARMFUL) + 61))
    archive = await full.built("Archive")
    assert len(await full.fetched(archive)) == 80
    for place in (mailbox, archive):
        await full.equals_the_messages(place)


async def test_a_deleted_mailbox_has_no_pages(listed: Listed) -> None:
    for _ in range(LEAST_LACKING):
        await listed.mailstore.deliver_body(b"Subject: x\r\n\r\n", mailbox="Short")
    mailbox = await listed.built("Short")
    await listed.mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Short"))
    await listed.has(mailbox, [])


async def test_what_left_while_no_process_ran_is_taken_out_at_the_start(full: Listed) -> None:
    mailbox = await full.mailbox()
    await full.close()
    await _expunge(full, mailbox, 1, 30)
    full.open()
    await full.mailstore.builder.tidy_all()
    await full.has(mailbox, range(31, len(HARMFUL) + 61))
    await full.equals_the_messages(mailbox)


async def test_what_cannot_be_written_is_taken_out_later(full: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure that asks for it meanwhile is told so, and tries again."""
    mailbox = await full.mailbox()

    def full_disk(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(PageFile, "write", full_disk)
        broken.setattr(PageFile, "remove", full_disk)
        await _expunge(full, mailbox, 1, 30)
        with pytest.raises(StoreUnavailable):
            await full.mailstore.builder.tidy_all()
    await full.mailstore.builder.tidy_all()
    await full.has(mailbox, range(31, len(HARMFUL) + 61))


@pytest.mark.parametrize("damage", ["wiped", "noise", "cut", "older"])
async def test_a_file_that_is_lost_damaged_or_of_another_version_is_made_anew(full: Listed, damage: str) -> None:
    mailbox = await full.mailbox()
    path = full.mailstore.listing._path
    assert path is not None
    await full.close()
    _harm(path, damage)
    full.open()
    await full.equals_the_messages(mailbox)
    await full.built()
    await full.equals_the_messages(mailbox)


def _harm(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    match damage:
        case "wiped":
            path.unlink()
        case "noise":
            path.write_bytes(b"\x55" * len(whole))
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "older":
            driver = sqlite3.connect(path)
            driver.execute(f"PRAGMA user_version={VERSION - 1}")
            driver.close()


async def test_a_file_that_is_damaged_while_it_is_open_is_made_anew(full: Listed) -> None:
    mailbox = await full.mailbox()
    await full.mailstore.listing.write(lambda file: file.empty_log())
    assert full.mailstore.listing._path is not None
    path = full.mailstore.listing._path
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x55" * (path.stat().st_size - 4096))
    await full.equals_the_messages(mailbox)
    await full.built()
    await full.equals_the_messages(mailbox)


async def test_a_process_that_was_killed_leaves_a_file_that_can_be_used(full: Listed, tmp_path: Path) -> None:
    """The file and its log are copied while they are open, as a kill leaves them."""
    path, copy = full.mailstore.listing._path, tmp_path / "copy.sqlite"
    assert path is not None
    for suffix in ("", "-wal"):
        if (source := path.with_name(path.name + suffix)).exists():
            copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
    file = opened(copy)
    assert file.version == VERSION
    assert all(file.columns(page.id, ()) is not None for page in file.ranges(await full.mailbox()))
    file.close()


async def test_a_record_of_another_message_with_the_same_uid_is_not_used(full: Listed) -> None:
    """As after a backup of the store was restored, and a UID was given again."""
    mailbox = await full.mailbox()
    await full.mailstore.store.write(
        lambda tx: tx.connection.execute(
            "UPDATE entry SET blob = (SELECT blob FROM entry WHERE mailbox = ? AND uid = 30)"
            " WHERE mailbox = ? AND uid = 4",
            (mailbox, mailbox),
        )
    )
    await full.equals_the_messages(mailbox)


async def test_a_search_does_not_trust_a_page_whose_last_messages_were_lost(full: Listed) -> None:
    """As after a standby without the newest changes took over, and their UIDs were given again."""
    mailbox = await full.mailbox()
    sql = (
        "UPDATE entry SET saved = saved + 1, blob = CASE WHEN uid = ? THEN blob ELSE (SELECT earlier.blob FROM entry"
        " AS earlier WHERE earlier.mailbox = entry.mailbox AND earlier.uid = entry.uid - 40) END"
        " WHERE mailbox = ? AND uid > 50"
    )  # the last message has the same body, and came at another time
    await full.mailstore.store.write(lambda tx: tx.connection.execute(sql, (_LAST, mailbox)))
    await _finds_the_same(full, mailbox)


async def test_a_search_sees_what_was_expunged_before_the_pages_do(full: Listed) -> None:
    mailbox = await full.mailbox()
    for first, last in ((4, 4), (20, 25), (_LAST, _LAST), (1, 1)):
        await _expunge(full, mailbox, first, last)
        await _finds_the_same(full, mailbox)


@pytest.mark.parametrize("listed", ["sqlite"], indirect=True)
async def test_a_search_over_many_pages_and_gaps(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.mailstore.listing.builder.PAGE_OCTETS", 1)
    monkeypatch.setattr("services.mailstore.listing.builder.LEAST_LACKING", 1)
    monkeypatch.setattr("services.mailstore.search.answered._PAGES", 7)
    monkeypatch.setattr("services.mailstore.search.answered._SPAN", 20)
    await _fill(listed)
    mailbox = await listed.built()
    await _finds_the_same(listed, mailbox)
    for first in range(2, _LAST, 3):
        await _expunge(listed, mailbox, first, first)
    await _expunge(listed, mailbox, 30, 61)
    await _finds_the_same(listed, mailbox)


_LAST = len(HARMFUL) + 60


async def _finds_the_same(listed: Listed, mailbox: str) -> None:
    day = pb.SearchKey(sent_date=_day(2, 0))
    keys = [_header("subject", ""), _header("from", "a"), _header("to", "x"), day, pb.SearchKey(all=True)]
    keys += [pb.SearchKey(negated=True, any_of=pb.SearchKeys(keys=keys[1:4]))]
    for key in keys:
        assert await listed.found(mailbox, key) == await listed.found(mailbox, key, listed=False), key


async def test_what_is_large_is_not_kept_and_a_page_stays_small(full: Listed) -> None:
    records = await full.records(await full.mailbox())
    assert max(record.octets for record in records) < PAGE_OCTETS
    for record in records:
        assert all(len(value) <= STRUCTURE_LIMIT for value in (record.envelope, record.body_structure) if value)
        assert all(len(text) <= 2 * TEXT_LIMIT for text in record.texts)
    assert any(record.body_structure is None for record in records)
    assert any("\2" in record.texts for record in records)


def _day(relation: int, day: int) -> pb.DayTest:
    return pb.DayTest(relation=pb.DayTest.Relation.ValueType(relation), day=day)


def _header(field: str, text: str) -> pb.SearchKey:
    return pb.SearchKey(header=pb.HeaderTest(field=field, text=text))


FIELDS = (
    "from",
    "To",
    "CC",
    "bcc",
    "subject",
    "Sender",
    "reply-to",
    "Message-ID",
    "references",
    "list-id",
    "x",
    "ſubject",
)
TEXTS = (
    "",
    "wanda",
    "a",
    "example.org",
    "X",
    '"',
    "\\",
    "{5}",
    " ",
    "ä",
    "ſ",
    "of the prefix",
    "group",
    "\0",
    "\1",
    "one",
    "1",
)
SIMPLE_KEYS = st.one_of(
    st.builds(_header, st.sampled_from(FIELDS), st.sampled_from(TEXTS)),
    st.builds(
        lambda relation, day: pb.SearchKey(sent_date=_day(relation, day)), st.integers(0, 2), st.integers(-2, 19_800)
    ),
    st.builds(
        lambda first, more: pb.SearchKey(uids=uid_set(first, first + more)), st.integers(1, 80), st.integers(0, 50)
    ),
    st.sampled_from(
        [pb.SearchKey(all=True), pb.SearchKey(body="hi"), pb.SearchKey(text="inner"), pb.SearchKey(larger=200)]
    ),
)


def _combined(keys: st.SearchStrategy[pb.SearchKey]) -> st.SearchStrategy[pb.SearchKey]:
    lists = st.lists(keys, min_size=1, max_size=3).map(lambda inner: pb.SearchKeys(keys=inner))
    return st.one_of(
        st.builds(lambda inner, negated: pb.SearchKey(all_of=inner, negated=negated), lists, st.booleans()),
        st.builds(lambda inner, negated: pb.SearchKey(any_of=inner, negated=negated), lists, st.booleans()),
    )


@pytest.mark.parametrize("listed", ["sqlite"], indirect=True)
async def test_a_search_with_the_listing_finds_what_a_search_without_it_finds(full: Listed) -> None:
    mailbox = await full.mailbox()
    await full.mailstore.deliver_body(b"Subject: new, without a record\r\nFrom: wanda@example.com\r\n\r\n")
    keys: list[pb.SearchKey] = []

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.recursive(SIMPLE_KEYS, _combined, max_leaves=6))
    def collect(key: pb.SearchKey) -> None:
        keys.append(key)

    collect()
    keys += [_header(field, text) for field in FIELDS for text in TEXTS]
    for key in keys:
        assert await full.found(mailbox, key) == await full.found(mailbox, key, listed=False), key


async def _expunge(listed: Listed, mailbox: str, first: int, last: int) -> None:
    uids = uid_set(first, last)
    store = pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=uids, mode=pb.StoreRequest.ADD, flags=["\\Deleted"])
    await listed.mailstore.call("Store", store)
    request = pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox, uids=uids, only_given=True)
    await listed.mailstore.call("Expunge", request)

"""Commands on more messages than one event names: several small units of work do together what the client requested."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.decide import EVENT_MESSAGES
from services.mailstore.endpoints import wire
from services.mailstore.projections import chosen
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import LimitReached, NotFound, NotNow
from shared.protocol.imap.ranges import Ranges, count
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

MESSAGES = 25_600
ALL = spans((1, 1 << 31))
SUBSCRIBE = pb.SubscribeMailboxRequest(account=ACCOUNT, name="Archive", subscribed=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """A mailbox store with so many messages in INBOX."""
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as opened:
        inbox = await _mailbox(opened, "INBOX")
        await opened.append(100)
        for size in (100 * 2**power for power in range(8)):
            request_ = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="INBOX", messages=size)
            await opened.call("Copy", request_)
        yield opened


async def _mailbox(mailstore: CountedMailstore, name: str) -> pb.Mailbox:
    asked: pb.MailboxList = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, name=name))
    return asked.mailboxes[0]


async def _uids(mailstore: CountedMailstore, name: str) -> Ranges:
    view = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name))
    return tuple(span for page in view.uids for span in wire.ranges(page))


async def _twice(mailstore: CountedMailstore, method: str, request: Any) -> Any:
    """The reply to a command that is repeated because its first reply was lost."""
    await mailstore.call(method, request, "m-lost")
    events = await _sizes(mailstore, 0)
    reply = await mailstore.call(method, request, "m-lost")
    assert await _sizes(mailstore, 0) == events
    return reply


async def _version(mailstore: CountedMailstore) -> int:
    asked: pb.MailboxList = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT))
    return asked.version


async def _sizes(mailstore: CountedMailstore, after: int) -> list[int]:
    """The number of messages in each event after a version."""
    recorded = await mailstore.store.read_stream(ACCOUNT, after)
    return [count(getattr(entry.event, "uids", ())) for entry in recorded]


async def test_store(mailstore: CountedMailstore) -> None:
    inbox, version = await _mailbox(mailstore, "INBOX"), await _version(mailstore)
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, flags=["\\Seen", "late"])
    reply = await _twice(mailstore, "Store", store)
    assert reply.messages == sum(run.last - run.first + 1 for run in reply.runs) == MESSAGES
    assert {tuple(run.flags) for run in reply.runs} == {("\\Seen", "\\Flagged", "$Work", "late")}
    assert list(reply.versions) == [version + 1, version + 2, version + 3]
    assert await _sizes(mailstore, version) == [EVENT_MESSAGES, EVENT_MESSAGES, MESSAGES - 2 * EVENT_MESSAGES]
    asked = pb.ChangesRequest(account=ACCOUNT, mailbox=inbox.id, since=version, uid_next=inbox.uid_next, keywords=1)
    changes = await mailstore.call("Changes", asked)
    shown = [(uid, run.modseq) for run in reply.runs for uid in range(run.first, run.last + 1)]
    assert [(entry.uid, entry.modseq) for entry in changes.changed] == shown
    assert [entry.uid for entry in changes.changed] == list(range(1, MESSAGES + 1))
    assert list(changes.keywords) == ["$Work", "late"]
    assert (await _mailbox(mailstore, "INBOX")).unseen == 0


async def test_a_store_that_changes_some(mailstore: CountedMailstore) -> None:
    """With UNCHANGEDSINCE a message that changed later is refused, in whichever unit of work it is."""
    inbox, version = await _mailbox(mailstore, "INBOX"), await _version(mailstore)
    late = spans((5, 5), (12_000, 12_009), (25_600, 25_600))
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=late, flags=["\\Answered"])
    await mailstore.call("Store", store)
    store = pb.StoreRequest(
        account=ACCOUNT, mailbox=inbox.id, uids=ALL, flags=["\\Seen"], unchanged_since=version, quiet=True
    )
    reply = await _twice(mailstore, "Store", store)
    assert reply.refused == late
    assert (reply.messages, len(reply.runs)) == (MESSAGES - 12, 0)
    assert (await _mailbox(mailstore, "INBOX")).unseen == 12


async def test_move(mailstore: CountedMailstore) -> None:
    inbox, version = await _mailbox(mailstore, "INBOX"), await _version(mailstore)
    move = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES)
    reply = await _twice(mailstore, "Move", move)
    assert reply.source == reply.target == spans((1, MESSAGES))
    assert await _sizes(mailstore, version) == [EVENT_MESSAGES, EVENT_MESSAGES, MESSAGES - 2 * EVENT_MESSAGES]
    assert await _uids(mailstore, "INBOX") == ()
    assert await _uids(mailstore, "Archive") == ((1, MESSAGES),)


async def test_move_of_messages_that_are_gone(mailstore: CountedMailstore) -> None:
    """All or none, although the missing message belongs to the last unit of work."""
    inbox, version = await _mailbox(mailstore, "INBOX"), await _version(mailstore)
    move = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES + 1)
    with pytest.raises(NotNow):
        await mailstore.call("Move", move)
    assert await _sizes(mailstore, version) == []


async def test_copy(mailstore: CountedMailstore) -> None:
    """One commit, so all or none. Above the limit nothing is copied."""
    inbox, version = await _mailbox(mailstore, "INBOX"), await _version(mailstore)
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES)
    reply = await _twice(mailstore, "Copy", copy)
    assert reply.source == reply.target == spans((1, MESSAGES))
    assert await _sizes(mailstore, version) == [EVENT_MESSAGES, EVENT_MESSAGES, MESSAGES - 2 * EVENT_MESSAGES]
    assert await _uids(mailstore, "Archive") == ((1, MESSAGES),)
    await mailstore.append()
    copy.messages += 1
    with pytest.raises(LimitReached, match="at most 25600 messages"):
        await mailstore.call("Copy", copy)
    assert await _uids(mailstore, "Archive") == ((1, MESSAGES),)


class Selections:
    """Notes the threads on which the messages of a COPY are read, and can change the store after such a reading."""

    def __init__(self, mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[str] = []
        self._read_long, self._messages = mailstore.store.read_long, chosen.messages
        self._act: Callable[[], Awaitable[object]] | None = None
        monkeypatch.setattr(mailstore.store, "read_long", self._long)
        monkeypatch.setattr(chosen, "messages", self._read)

    def then(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do this after the next reading."""
        self._act = act

    async def _long(self, query: Any) -> Any:
        selection = await self._read_long(query)
        act, self._act = self._act, None
        if act is not None:
            await act()
        return selection

    def _read(self, *about: Any, **more: Any) -> Any:
        self.threads.append(threading.current_thread().name)
        return self._messages(*about, **more)

    @property
    def by_writer(self) -> list[bool]:
        """For each reading, whether the writer's thread did it."""
        return [name.startswith("store-") for name in self.threads]


async def test_the_writer_does_not_read_what_a_copy_copies(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading so many messages also kept other writers waiting."""
    inbox = await _mailbox(mailstore, "INBOX")
    selections = Selections(mailstore, monkeypatch)
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES)
    selections.then(lambda: mailstore.call("SubscribeMailbox", SUBSCRIBE))
    await mailstore.call("Copy", copy)
    assert selections.by_writer == [False]
    assert await _uids(mailstore, "Archive") == ((1, MESSAGES),)


async def test_a_copy_sees_what_happened_since_its_messages_were_read(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await _mailbox(mailstore, "INBOX")
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((7, 7)), flags=["\\Deleted"])
    await mailstore.call("Store", store)
    selections = Selections(mailstore, monkeypatch)
    selections.then(lambda: mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id)))
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES)
    with pytest.raises(NotNow):
        await mailstore.call("Copy", copy)
    assert selections.by_writer[0] is False
    assert selections.by_writer[-1] is True
    assert await _uids(mailstore, "Archive") == ()


async def test_expunge(mailstore: CountedMailstore) -> None:
    inbox = await _mailbox(mailstore, "INBOX")
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, flags=["\\Deleted"], quiet=True)
    await mailstore.call("Store", store)
    keep = pb.StoreRequest(
        account=ACCOUNT, mailbox=inbox.id, uids=spans((7, 7)), mode=pb.StoreRequest.REMOVE, flags=["\\Deleted"]
    )
    await mailstore.call("Store", keep)
    version = await _version(mailstore)
    reply = await _twice(mailstore, "Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id))
    assert reply.messages == MESSAGES - 1
    assert await _sizes(mailstore, version) == [EVENT_MESSAGES, EVENT_MESSAGES, MESSAGES - 2 * EVENT_MESSAGES - 1]
    assert await _uids(mailstore, "INBOX") == ((7, 7),)


async def test_delete(mailstore: CountedMailstore) -> None:
    inbox = await _mailbox(mailstore, "INBOX")
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=ALL, target="Archive", messages=MESSAGES)
    await mailstore.call("Copy", copy)
    version = await _version(mailstore)
    await _twice(mailstore, "DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Archive"))
    assert await _sizes(mailstore, version) == [EVENT_MESSAGES, EVENT_MESSAGES, 0, 0]
    with pytest.raises(NotFound):
        await mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Archive"))
    quota = await mailstore.call("Quota", pb.QuotaRequest(account=ACCOUNT))
    assert quota.messages == MESSAGES


async def test_rename_of_inbox(mailstore: CountedMailstore) -> None:
    version = await _version(mailstore)
    rename = pb.RenameMailboxRequest(account=ACCOUNT, name="INBOX", new_name="old/inbox")
    reply = await _twice(mailstore, "RenameMailbox", rename)
    assert reply.mailbox.messages == MESSAGES
    sizes = await _sizes(mailstore, version)
    assert [size for size in sizes if size] == [EVENT_MESSAGES, EVENT_MESSAGES, MESSAGES - 2 * EVENT_MESSAGES]
    assert await _uids(mailstore, "INBOX") == ()
    assert await _uids(mailstore, "old/inbox") == ((1, MESSAGES),)

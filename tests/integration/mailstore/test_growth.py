"""The work for new mail does not depend on how much mail there is: counted, not timed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, Work, counted_mailstore, spans

FEW, MANY = 100, 3000
Act = Callable[[], Awaitable[object]]


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as opened:
        yield opened


async def _inbox(mailstore: CountedMailstore) -> tuple[pb.Mailbox, int]:
    """INBOX and the account's version."""
    view: pb.MailboxView = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))
    return view.mailbox, view.version


async def _fill(mailstore: CountedMailstore, size: int) -> None:
    inbox, _ = await _inbox(mailstore)
    while (lacking := size - inbox.messages) > 0:
        await mailstore.append(min(100, lacking))
        inbox, _ = await _inbox(mailstore)


async def _acts(mailstore: CountedMailstore) -> dict[str, Act]:
    """Operations on the newest message."""
    await mailstore.append()
    inbox, version = await _inbox(mailstore)
    heads = await mailstore.store.heads()
    newest = spans((inbox.uid_next - 1, inbox.uid_next - 1))
    fetch = pb.FetchRequest(
        account=ACCOUNT, mailbox=inbox.id, uids=newest, envelope=True, size=True, internal_date=True, contents=True
    )
    changes = pb.ChangesRequest(account=ACCOUNT, mailbox=inbox.id, since=version - 1, uid_next=inbox.uid_next - 1)
    flags = pb.ChangesRequest(account=ACCOUNT, mailbox=inbox.id, since=version - 1, uid_next=inbox.uid_next)
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=newest, mode=pb.StoreRequest.ADD, flags=["\\Seen"])
    copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=newest, target="Archive", messages=1)
    return {
        "a follower reads the last fact": lambda: mailstore.followed(
            {shard: head - 1 for shard, head in heads.items()}
        ),
        "FETCH": lambda: mailstore.fetched(fetch),
        "FETCH CHANGEDSINCE": lambda: mailstore.fetched(
            pb.FetchRequest(**_with(fetch, uids=spans((1, 1 << 30)), changed_since=version - 1))
        ),
        "a session asks for changes, the message came": lambda: mailstore.call("Changes", changes),
        "a session asks for changes, its flags changed": lambda: mailstore.call("Changes", flags),
        "STATUS": lambda: mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, with_status=True)),
        "STORE": lambda: mailstore.call("Store", store),
        "COPY": lambda: mailstore.call("Copy", copy),
        "APPEND": mailstore.append,
        "delivery": mailstore.deliver,
    }


def _with(request: pb.FetchRequest, **changed: object) -> dict[str, object]:
    return {field.name: value for field, value in request.ListFields()} | changed


async def _works(mailstore: CountedMailstore) -> dict[str, Work]:
    return {name: await mailstore.counted(act) for name, act in (await _acts(mailstore)).items()}


async def test_the_work_for_a_new_message_is_the_same_in_a_large_mailbox(mailstore: CountedMailstore) -> None:
    await _works(mailstore)  # everything once before: mailboxes get their keywords, and statements are prepared
    await _fill(mailstore, FEW)
    among_few = await _works(mailstore)
    await _fill(mailstore, MANY)
    among_many = await _works(mailstore)
    assert {name: work[:3] for name, work in among_many.items()} == {name: work[:3] for name, work in among_few.items()}
    for name, work in among_many.items():  # a look-up may end at another branch of the statement
        assert abs(work.steps - among_few[name].steps) <= 8, name
    assert all(work.statements and work.steps for work in among_few.values())
    assert among_few["delivery"].rows_written > 3 and among_few["FETCH"].rows_read > 1


async def test_a_scan_would_be_seen(mailstore: CountedMailstore) -> None:
    """The instructions show it; the counts of statements and rows are those of a look-up."""

    async def scan() -> None:
        await mailstore.store.read(lambda reader: reader.first_row("SELECT max(size) FROM entry"))

    await _fill(mailstore, FEW)
    among_few = await mailstore.counted(scan)
    await _fill(mailstore, MANY)
    among_many = await mailstore.counted(scan)
    assert among_many[:3] == among_few[:3] == (1, 1, 0)
    assert among_many.steps > 10 * among_few.steps


async def test_messages_named_one_by_one_cost_the_same_in_a_large_mailbox(mailstore: CountedMailstore) -> None:
    """Every second message of some: each page of them used to read all rows of the mailbox with a higher MODSEQ."""
    await _fill(mailstore, FEW)
    await _of_every_second(mailstore)  # once before: ranges that change again keep their rows
    among_few = await _of_every_second(mailstore)
    await _fill(mailstore, MANY)
    among_many = await _of_every_second(mailstore)
    for name, work in among_few.items():
        assert among_many[name].steps <= 1.1 * work.steps, name


async def _of_every_second(mailstore: CountedMailstore) -> dict[str, Work]:
    """The work of STORE, of the changes after it, and of FETCH for fifty messages."""
    inbox, version = await _inbox(mailstore)
    some = spans(*((uid, uid) for uid in range(1, FEW, 2)))
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=some, flags=[f"k{version}"])
    changes = pb.ChangesRequest(account=ACCOUNT, mailbox=inbox.id, since=version, uid_next=inbox.uid_next)
    fetch = pb.FetchRequest(account=ACCOUNT, mailbox=inbox.id, uids=some)
    return {
        "STORE": await mailstore.counted(lambda: mailstore.call("Store", store)),
        "changes": await mailstore.counted(lambda: mailstore.call("Changes", changes)),
        "FETCH": await mailstore.counted(lambda: mailstore.fetched(fetch)),
    }

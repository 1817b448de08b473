"""UIDVALIDITY of mailbox names over time, and what a rename does to the names below."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.grpc.errors import AlreadyExists, Invalid, LimitReached
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """One account."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as opened:
        yield opened


async def create(mailstore: CountedMailstore, name: str, account: str = ACCOUNT) -> int:
    """Create a mailbox; returns its UIDVALIDITY."""
    reply = await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=account, name=name))
    return int(reply.mailbox.uid_validity)


async def delete(mailstore: CountedMailstore, name: str) -> None:
    await mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name))


async def rename(mailstore: CountedMailstore, name: str, new_name: str) -> int:
    """Rename a mailbox; returns its UIDVALIDITY under the new name."""
    request = pb.RenameMailboxRequest(account=ACCOUNT, name=name, new_name=new_name)
    reply = await mailstore.call("RenameMailbox", request)
    return int(reply.mailbox.uid_validity)


async def validity(mailstore: CountedMailstore, name: str) -> int:
    reply = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT))
    return next(int(mailbox.uid_validity) for mailbox in reply.mailboxes if mailbox.name == name)


async def test_uid_validity_never_goes_down_under_a_name(mailstore: CountedMailstore) -> None:
    """An older mailbox gets the name of a newer one (RFC 3501 §2.3.1.1); its inferiors are included."""
    older = await create(mailstore, "older")
    inferior = await create(mailstore, "older/below")
    newer = await create(mailstore, "name")
    newest = await create(mailstore, "name/below")
    assert older < inferior < newer < newest
    await delete(mailstore, "name/below")
    await delete(mailstore, "name")
    assert await rename(mailstore, "older", "name") > newer
    assert await validity(mailstore, "name/below") > newest
    assert (await mailstore.store.verify()).equal


async def test_uid_validity_stays_where_it_may(mailstore: CountedMailstore) -> None:
    """A client that caches a mailbox by its id (RFC 8474) need not fetch everything again."""
    first = await create(mailstore, "first")
    assert await rename(mailstore, "first", "second") == first
    assert await rename(mailstore, "second", "first") == first
    old = await create(mailstore, "old")
    await delete(mailstore, "old")
    later = await create(mailstore, "later")
    assert await rename(mailstore, "later", "old") == later > old


async def test_uid_validity_never_repeats(mailstore: CountedMailstore) -> None:
    """Whatever account or name it is, however many events lie between, and even if the last mailbox was deleted."""
    known = [await create(mailstore, "again")]
    for number in range(260):  # more than 500 events after the first
        await mailstore.call(
            "SubscribeMailbox", pb.SubscribeMailboxRequest(account=ACCOUNT, name=f"n{number}", subscribed=True)
        )
        await mailstore.call("SubscribeMailbox", pb.SubscribeMailboxRequest(account=ACCOUNT, name=f"n{number}"))
    await delete(mailstore, "again")
    known.append(await create(mailstore, "again"))
    await mailstore.call("OpenAccount", pb.OpenAccountRequest(account="a-bob"))
    known.append(await create(mailstore, "again", "a-bob"))
    assert known == sorted(set(known))


async def test_a_rename_checks_every_name_below(mailstore: CountedMailstore) -> None:
    """If one of them is too long, too deep or taken, nothing is renamed."""
    await create(mailstore, "a/" + "/".join(["b" * 200] * 3))
    with pytest.raises(Invalid):
        await rename(mailstore, "a", "/".join(["c" * 200] * 3))
    await create(mailstore, "/".join("d" * 20))
    with pytest.raises(Invalid):
        await rename(mailstore, "d", "/".join("e" * 20))
    await create(mailstore, "f/g")
    await create(mailstore, "h/g")
    await delete(mailstore, "h")
    with pytest.raises(AlreadyExists):
        await rename(mailstore, "f", "h")
    assert await validity(mailstore, "a") and await validity(mailstore, "d") and await validity(mailstore, "f")


async def test_a_rename_keeps_the_limit_of_mailboxes(mailstore: CountedMailstore) -> None:
    """The missing levels above a new name are created as mailboxes, and count."""
    for number in range(94):
        await create(mailstore, f"m{number}")
    with pytest.raises(LimitReached):
        await rename(mailstore, "m0", "x/y")


async def test_subscriptions_have_a_limit(mailstore: CountedMailstore) -> None:
    """The six default mailboxes and four more subscriptions make ten, the limit of this test."""
    for number in range(4):
        await _subscribe(mailstore, f"s{number}")
    with pytest.raises(LimitReached) as refused:
        await _subscribe(mailstore, "one too many")
    assert refused.value.reason == "LIMIT" and "10" in refused.value.message


async def _subscribe(mailstore: CountedMailstore, name: str) -> None:
    request = pb.SubscribeMailboxRequest(account=ACCOUNT, name=name, subscribed=True)
    await mailstore.call("SubscribeMailbox", request)


async def test_a_create_reads_no_more_in_an_account_of_many_mailboxes(mailstore: CountedMailstore) -> None:
    """Only one count over an index, in SQL, grows."""
    among_few = await mailstore.counted(lambda: create(mailstore, "x1"))
    for number in range(80):
        await create(mailstore, f"m{number}")
    among_many = await mailstore.counted(lambda: create(mailstore, "x2"))
    assert among_many[:3] == among_few[:3]

"""REPLACE (RFC 8508): one commit, whose quota counts the difference; a repeat finds what was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.projections import mailboxes
from shared.events.mailbox import MessageAppended, MessagesExpunged
from shared.grpc.errors import LimitReached, NotFound, NotNow
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore
from tests.integration.mailstore.test_quota import mailbox, used


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """An INBOX with three messages."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as opened:
        await opened.append(3)
        yield opened


async def replace(
    mailstore: CountedMailstore, uid: int, *, size: int = 20, target: str = "INBOX", command: str = ""
) -> pb.AppendReply:
    inbox = await mailbox(mailstore, "INBOX")
    message = pb.AppendMessage(blob="g0001/new", size=size, flags=["\\Draft"], internal_date=7)
    request = pb.ReplaceRequest(account=ACCOUNT, mailbox=inbox.id, uid=uid, target=target, message=message)
    reply: pb.AppendReply = await mailstore.call("Replace", request, command)
    return reply


async def counts(mailstore: CountedMailstore, name: str = "INBOX") -> tuple[int, int]:
    state = await mailbox(mailstore, name)
    return state.messages, state.uid_next


async def test_both_events_are_one_commit_and_a_repeat_does_nothing(mailstore: CountedMailstore) -> None:
    first = await replace(mailstore, 2, command="c1")
    assert await replace(mailstore, 2, command="c1") == first
    events = [entry.event for entry in (await mailstore.store.read_stream(ACCOUNT))[-2:]]
    assert [type(event) for event in events] == [MessageAppended, MessagesExpunged]
    assert list(first.uids) == [4]
    assert await counts(mailstore) == (3, 5)


async def test_a_death_in_the_middle_keeps_the_old_message_alone(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await used(mailstore)

    def dies(*_: object) -> None:
        raise RuntimeError("killed between the two events")

    with monkeypatch.context() as patched:
        patched.setitem(mailboxes._FOLDS, MessagesExpunged, dies)
        with pytest.raises(RuntimeError):
            await replace(mailstore, 2, command="c1")
    assert await counts(mailstore) == (3, 4)
    assert await used(mailstore) == before
    assert list((await replace(mailstore, 2, command="c1")).uids) == [4]
    assert await counts(mailstore) == (3, 5)


async def test_the_quota_counts_the_difference(mailstore: CountedMailstore) -> None:
    before = (await used(mailstore)).used_bytes
    mailstore.quotas.limits = QuotaLimits(octets=before, messages=3)
    assert list((await replace(mailstore, 1, size=before // 3)).uids) == [4]
    with pytest.raises(LimitReached, match="octets are used"):
        await replace(mailstore, 2, size=before // 3 + 10)
    mailstore.quotas.limits = QuotaLimits(octets=before // 2, messages=1)  # already over it
    assert list((await replace(mailstore, 2, size=1)).uids) == [5]


async def test_what_cannot_be_replaced(mailstore: CountedMailstore) -> None:
    with pytest.raises(NotNow) as gone:
        await replace(mailstore, 77)
    assert gone.value.reason == "EXPUNGEISSUED"
    with pytest.raises(NotFound) as missing:
        await replace(mailstore, 1, target="Missing")
    assert missing.value.reason == "TRYCREATE"
    assert await counts(mailstore) == (3, 4)
    assert list((await replace(mailstore, 1, target="Archive")).uids) == [1]
    assert await counts(mailstore) == (2, 4)
    assert await counts(mailstore, "Archive") == (1, 2)


@pytest.mark.parametrize("other", ["a-bob", "a-hal"])
async def test_a_replacement_in_another_account_is_one_commit_and_a_repeat_does_nothing(
    mailstore: CountedMailstore, other: str
) -> None:
    """Its quota counts the whole message; here the message is expunged. The events of the other account come
    first in the store, or last."""
    await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=other))
    mailstore.quotas.limits = QuotaLimits(octets=100)
    inbox = await mailbox(mailstore, "INBOX")

    def request(size: int) -> pb.ReplaceRequest:
        message = pb.AppendMessage(blob="g0001/new", size=size, internal_date=7)
        return pb.ReplaceRequest(
            account=ACCOUNT, mailbox=inbox.id, uid=2, target="INBOX", message=message, target_account=other
        )

    with pytest.raises(LimitReached):
        await mailstore.call("Replace", request(101))
    first = await mailstore.call("Replace", request(100), "c1")
    assert await mailstore.call("Replace", request(100), "c1") == first
    assert list(first.uids) == [1]
    assert first.target_version > 0
    assert await counts(mailstore) == (2, 4)
    view: pb.MailboxView = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=other, name="INBOX"))
    assert view.mailbox.messages == 1
    quota: pb.QuotaReply = await mailstore.call("Quota", pb.QuotaRequest(account=other))
    assert (quota.messages, quota.used_bytes) == (1, 100)
    assert (await mailstore.store.verify()).equal

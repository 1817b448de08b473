"""Keywords are limited per message, per mailbox, and in octets; above a limit a command changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.grpc.errors import LimitReached
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

OF_A_MESSAGE, OF_A_MAILBOX = 64, 1000
"""The default limits."""


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """A mailbox store with twenty messages in INBOX, which have one keyword."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as opened:
        await opened.append(20)
        yield opened


async def _view(mailstore: CountedMailstore, name: str) -> pb.MailboxView:
    view: pb.MailboxView = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name))
    return view


async def _store(mailstore: CountedMailstore, uid: int, flags: list[str]) -> pb.StoreReply:
    inbox = (await _view(mailstore, "INBOX")).mailbox
    request = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((uid, uid)), flags=flags)
    reply: pb.StoreReply = await mailstore.call("Store", request)
    return reply


async def _fill(mailstore: CountedMailstore, keywords: int) -> None:
    """Add keywords until INBOX has so many."""
    words = [f"k{number}" for number in range(keywords - len((await _view(mailstore, "INBOX")).keywords))]
    room = OF_A_MESSAGE - 1
    for at in range(0, len(words), room):
        await _store(mailstore, at // room + 1, words[at : at + room])


async def test_of_one_message(mailstore: CountedMailstore) -> None:
    with pytest.raises(LimitReached, match="at most 64 keywords"):
        await _store(mailstore, 1, [f"k{number}" for number in range(OF_A_MESSAGE)])
    assert list((await _view(mailstore, "INBOX")).keywords) == ["$Work"]
    await _store(mailstore, 1, [f"k{number}" for number in range(OF_A_MESSAGE - 1)])
    with pytest.raises(LimitReached, match="at most 64 keywords"):
        await _store(mailstore, 1, ["another"])
    await _store(mailstore, 1, ["\\Seen", "k7"])


async def test_of_one_message_in_octets(mailstore: CountedMailstore) -> None:
    with pytest.raises(LimitReached, match="of 2000 octets together"):
        await _store(mailstore, 1, [f"{number}".rjust(100, "k") for number in range(20)])


async def test_of_a_mailbox(mailstore: CountedMailstore) -> None:
    """A keyword that the mailbox has may still be set and removed."""
    await _fill(mailstore, OF_A_MAILBOX)
    assert len((await _view(mailstore, "INBOX")).keywords) == OF_A_MAILBOX
    with pytest.raises(LimitReached, match="at most 1000 different keywords"):
        await _store(mailstore, 20, ["another"])
    await _store(mailstore, 20, ["k5"])
    message = pb.AppendMessage(blob="b", size=1, flags=["another"])
    with pytest.raises(LimitReached, match="at most 1000 different keywords"):
        await mailstore.call("Append", pb.AppendRequest(account=ACCOUNT, mailbox="INBOX", messages=[message]))


@pytest.mark.parametrize("method", ["Copy", "Move"])
async def test_of_the_mailbox_that_messages_go_to(mailstore: CountedMailstore, method: str) -> None:
    await _fill(mailstore, OF_A_MAILBOX)
    inbox, sent = (await _view(mailstore, "INBOX")).mailbox, (await _view(mailstore, "Sent")).mailbox
    other = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((20, 20)), target="Sent", messages=1)
    await mailstore.call("Copy", other)
    only = pb.StoreRequest(account=ACCOUNT, mailbox=sent.id, uids=spans((1, 1)), flags=["another"])
    await mailstore.call("Store", only)
    back = pb.CopyRequest(account=ACCOUNT, mailbox=sent.id, uids=spans((1, 1)), target="INBOX", messages=1)
    with pytest.raises(LimitReached, match="at most 1000 different keywords"):
        await mailstore.call(method, back)
    assert (await _view(mailstore, "Sent")).mailbox.messages == 1


async def test_a_mail_comes_without_too_many_keywords(mailstore: CountedMailstore) -> None:
    reply = await mailstore.deliver(["\\Flagged", *(f"k{number}" for number in range(OF_A_MESSAGE + 1))])
    view = await _view(mailstore, "INBOX")
    request = pb.FetchRequest(account=ACCOUNT, mailbox=view.mailbox.id, uids=spans((reply.uid, reply.uid)))
    (batch,) = await mailstore.fetched(request)
    assert list(batch.flag_sets[batch.flags[0]].flags) == ["\\Flagged"]
    assert list(view.keywords) == ["$Work"]

"""The mailboxes of others among one's own, in pieces between which other sessions are served."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from services.access.commands.shared_names import with_shared
from services.access.session.namespaces import Namespaces
from services.access.session.session import ImapSession
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2

OWNERS, MAILBOXES = 3, 2500
LONGEST = 20_000
"""Keys compared within one turn."""


class CountedTurns:
    def __init__(self) -> None:
        self.costs: list[int] = []

    async def spend(self, *, keys: int) -> None:
        self.costs.append(keys)


class Sharing:
    async def shared(self, account: str) -> sharing_pb2.SharedList:
        shared = sharing_pb2.SharedList()
        for number in range(OWNERS):
            owner = shared.owners.add(name=f"o{number}@example.org")
            owner.mailboxes.extend(
                [
                    sharing_pb2.SharedMailbox(id=f"m{number}-{at}", name=f"f/{at}", rights="lr")
                    for at in range(MAILBOXES)
                ]
            )
        return shared


async def test_many_shared_mailboxes_are_listed_in_turns() -> None:
    turns = CountedTurns()
    backend = SimpleNamespace(sharing=Sharing(), namespaces=Namespaces("Other Users", "Shared"), turns=turns)
    hiding = pb.Mailbox(id="mine", name="Other Users/o1@example.org/f/7")
    own = pb.MailboxList(mailboxes=[pb.Mailbox(id="inbox", name="INBOX"), hiding], version=4, subscriptions=["INBOX"])
    session = cast(ImapSession, cast(Any, SimpleNamespace(account="a", backend=backend)))
    together = await with_shared(session, own)
    names = [mailbox.name for mailbox in together.mailboxes]
    assert len(names) == len(set(names)) == OWNERS * MAILBOXES + 1
    assert {mailbox.id for mailbox in together.mailboxes if mailbox.name == hiding.name} == {"mine"}
    assert (together.version, list(together.subscriptions)) == (4, ["INBOX"])
    assert len(turns.costs) == OWNERS * 3
    assert max(turns.costs) <= LONGEST

"""The names of mailboxes as clients write them: UTF-8, and modified UTF-7 where there is such a mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.domain.script_steps import MailboxKey
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

BOXES = {"INBOX": "", "Café": "", "R&D": "", "Spam": "\\Junk", "A & B/Entwürfe": ""}


class MailstoreInMemory:
    """Answers from a table, and counts the questions."""

    def __init__(self) -> None:
        self.questions = 0

    async def OpenAccount(self, request: pb.OpenAccountRequest) -> pb.OpenAccountReply:
        return pb.OpenAccountReply()

    async def ListMailboxes(self, request: pb.ListMailboxesRequest) -> pb.MailboxList:
        self.questions += 1
        boxes = [pb.Mailbox(id=f"M{name}", name=name, special_use=use) for name, use in BOXES.items()]
        if request.id or request.name:
            boxes = [box for box in boxes if request.id == box.id or request.name == box.name]
        return pb.MailboxList(mailboxes=boxes)


@pytest.fixture
def boxes() -> AccountMailboxes:
    store: Any = MailstoreInMemory()
    return AccountMailboxes(store, "a1")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Café", "Café"),
        ("Caf&AOk-", "Café"),
        ("R&D", "R&D"),
        ("R&-D", "R&D"),
        ("A & B/Entw&APw-rfe", "A & B/Entwürfe"),
        ("inbox", "INBOX"),
        ("Cafe", None),
        ("Caf&AOk", None),
        ("", None),
    ],
)
async def test_a_name_is_that_of_a_mailbox(boxes: AccountMailboxes, name: str, expected: str | None) -> None:
    assert await boxes.named(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("New", "New"), ("New & old", "New & old"), ("Entw&APw-rfe", "Entwürfe"), ("x\x01", None), ("a//b", None)],
)
async def test_no_mailbox_is_made_with_a_name_in_modified_utf7(
    boxes: AccountMailboxes, name: str, expected: str | None
) -> None:
    assert await boxes.place_of(MailboxKey(name), create=True) == expected
    assert await boxes.place_of(MailboxKey(name), create=False) is None


async def test_an_id_then_a_special_use_take_precedence_over_the_name(boxes: AccountMailboxes) -> None:
    assert await boxes.place_of(MailboxKey("INBOX", "MCafé", "\\Junk"), create=False) == "Café"
    assert await boxes.place_of(MailboxKey("INBOX", "gone", "\\junk"), create=False) == "Spam"
    assert await boxes.place_of(MailboxKey("INBOX", "gone", "\\Sent"), create=False) == "INBOX"


async def test_a_mailbox_is_asked_for_once() -> None:
    store: Any = MailstoreInMemory()
    boxes = AccountMailboxes(store, "a1")
    for _ in range(3):
        await boxes.named("Café")
        await boxes.named("nowhere")
        await boxes.with_use("\\Junk")
        await boxes.with_use("\\Sent")
    assert store.questions == 3

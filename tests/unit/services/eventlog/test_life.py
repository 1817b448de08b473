"""A message's history in its mailboxes, event by event."""

from __future__ import annotations

import pytest

from services.eventlog.domain.life import Arrival, MessagePlace, PlaceChange, arrivals, change_at
from shared.events import expiry, mailbox, restoring
from shared.eventstore.event import Event, encode

ENTRIES = tuple(mailbox.NewEntry(f"e{uid}", uid, "b", 1, 1, f"x{uid}", "t", message_id=f"{uid}@x") for uid in (7, 8))
HERE = MessagePlace("m1", 7)


def step(event: Event, place: MessagePlace = HERE) -> PlaceChange | None:
    return change_at(event.stored_name, encode(event), place)


def test_delivered_and_appended_messages_land() -> None:
    delivered = mailbox.MessageDelivered("a", "m1", "q", "r", 0, ENTRIES[0])
    appended = mailbox.MessageAppended("a", "m1", ENTRIES)
    assert arrivals(delivered.stored_name, encode(delivered)) == [Arrival(HERE, "e7", "x7", "7@x")]
    assert [landing.place.uid for landing in arrivals(appended.stored_name, encode(appended))] == [7, 8]


def test_other_events_land_nothing() -> None:
    assert arrivals("mail.settled", b"{}") == []
    assert arrivals("message.delivered", b"{}") == []


@pytest.mark.parametrize(
    ("uids", "touched"), [(((7, 7),), True), (((1, 6), (8, 9)), False), (((1, 3), (5, 9)), True), ((), False)]
)
def test_flags_concern_the_uids_they_name(uids: mailbox.Uids, touched: bool) -> None:
    assert step(mailbox.FlagsChanged("a", "m1", uids, "add", ("\\Seen",))) == (PlaceChange() if touched else None)


def test_the_nth_of_the_ranges_gets_the_nth_uid_in_the_target() -> None:
    assert step(mailbox.MessagesMoved("a", "m1", "m2", ((1, 3), (6, 9)), 40)) == PlaceChange(
        MessagePlace("m2", 44), left=True
    )
    assert step(mailbox.MessagesCopied("a", "m1", "m2", ((7, 7),), 40, "e9")) == PlaceChange(MessagePlace("m2", 40))


def test_removed_messages_may_be_brought_back_from_where_they_were() -> None:
    assert step(mailbox.MessagesExpunged("a", "m1", ((1, 9),))) == PlaceChange(is_removed=True)
    assert step(expiry.MessagesExpired("a", "m1", ((1, 9),), 30)) == PlaceChange(is_removed=True)
    assert step(mailbox.MailboxDeleted("a", "m1", "Old")) == PlaceChange(is_removed=True)
    restored = restoring.MessagesRestored("a", "m1", "m2", ((1, 3), (6, 9)), 40)
    assert step(restored) == PlaceChange(MessagePlace("m2", 44), left=True)


def test_what_cannot_be_read_did_nothing() -> None:
    assert change_at("message.moved", b"\xff", HERE) is None
    assert change_at("message.shredded", b"{}", HERE) is None

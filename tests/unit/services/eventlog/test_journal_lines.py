"""Which events are in the journal of an account, and what is shown of them."""

from __future__ import annotations

import pytest

from services.eventlog.domain.journal import JournalOwner, line_of, may_be_listed
from shared.events import archives, directory, lockouts, mailbox, reading
from shared.eventstore.event import Actor, Event, encode, encode_actor

ANN = JournalOwner("a1", "ann@example.org", "u1")
TEAM = JournalOwner("a1", "team@example.org", "")
SELF, OTHER = Actor("user", "u1", "a1", "s1", "192.0.2.1"), Actor("user", "u2")
OPERATOR, SERVICE = Actor("operator", "root"), Actor("service", "delivery")
FLAGS = mailbox.FlagsChanged("a1", "m1", ((1, 2),), "add", ("\\Seen",))


def kind(event: Event, actor: Actor, owner: JournalOwner = ANN) -> str:
    line = line_of(event.stored_name, encode_actor(actor), encode(event), owner)
    return line.kind if line is not None else ""


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (directory.LoginSucceeded("u1", "a1", "imap", 3), "log-in"),
        (directory.LoginRefused("ann@example.org", "imap", "192.0.2.7", "bad-credentials"), "refused"),
        (lockouts.LockoutStarted("client", "a1", "192.0.2.7", "imap", 10, 1), "lockout"),
        (reading.BodiesRead("a1", "m1", "imap", 12), "read"),
        (archives.ArchiveOpened("a1", "export"), "export"),
        (FLAGS, ""),
    ],
)
def test_what_the_owner_does_is_there_by_its_kind(event: Event, expected: str) -> None:
    assert kind(event, SELF) == expected


@pytest.mark.parametrize(
    ("actor", "owner", "expected"),
    [(SELF, ANN, ""), (SELF, TEAM, "change"), (OTHER, ANN, "change"), (OPERATOR, ANN, "change"), (SERVICE, ANN, "")],
)
def test_a_change_is_there_when_somebody_else_made_it(actor: Actor, owner: JournalOwner, expected: str) -> None:
    """Each member of a group is somebody else, for the account is the group's."""
    assert kind(FLAGS, actor, owner) == expected


def test_a_line_shows_where_and_how_many_and_nothing_of_the_mail() -> None:
    line = line_of("message.bodies_read", encode_actor(SELF), encode(reading.BodiesRead("a1", "m1", "imap", 12)), ANN)
    assert line is not None
    assert (line.fields.mailbox, line.fields.messages, line.actor.address) == ("m1", 12, "192.0.2.1")
    change = line_of(FLAGS.stored_name, encode_actor(OPERATOR), encode(FLAGS), ANN)
    assert change is not None and change.fields.mailbox == "m1"


def test_a_search_is_there_when_somebody_else_searched() -> None:
    data = encode(reading.MailSearched("a1", 7))
    line = line_of("message.searched", encode_actor(OPERATOR), data, ANN)
    assert line is not None
    assert (line.kind, line.fields.messages) == ("read", 7)
    assert line_of("message.searched", encode_actor(OTHER), data, ANN) is not None
    assert line_of("message.searched", encode_actor(SELF), data, ANN) is None
    assert may_be_listed("message.searched")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"mailbox":7}'])
def test_data_that_cannot_be_read_makes_no_line_or_one_without_a_mailbox(data: bytes) -> None:
    line = line_of("message.flags_changed", encode_actor(OPERATOR), data, ANN)
    assert line is None or line.fields.mailbox == ""


def test_types_that_are_not_about_people_are_never_read() -> None:
    assert [name for name in ("mail.received", "lesson.learned", "outbound.queued") if may_be_listed(name)] == []


def test_what_others_mark_for_themselves_alone_is_nobody_elses() -> None:
    types = ("message.own_seen_changed", "message.own_seen_forgotten", "message.flags_changed")
    assert [name for name in types if may_be_listed(name)] == ["message.flags_changed"]

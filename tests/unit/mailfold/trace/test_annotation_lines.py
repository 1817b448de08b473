"""Annotations, and the runs of scripts of mailboxes, as text."""

from __future__ import annotations

from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story
from shared.events import mailbox, mailbox_scripts, metadata
from shared.eventstore.event import Actor, Event, encode, encode_actor

NAMES = Names([mailbox.MailboxCreated("a1", mailbox.NewMailbox("b1", "Club", 1))])
COMMENT = metadata.AnnotationValue("/private/comment", b"a secret")


def lines(event: Event) -> list[str]:
    """The lines about an event, without the one that says when."""
    logged = LoggedEvent("", event.stored_name, 1_700_000_000_000_000, encode_actor(Actor("system")), "", encode(event))
    return [line.strip() for line in list(story([logged], NAMES))[1:]]


def test_annotations_are_named_and_their_values_are_not_shown() -> None:
    assert lines(metadata.AnnotationsChanged("a1", "b1", (COMMENT,))) == [
        "annotation /private/comment of Club set, 8 octets"
    ]
    removed = metadata.AnnotationValue("/shared/comment", None)
    assert lines(metadata.AnnotationsChanged("a1", "", (removed,))) == [
        "annotation /shared/comment of the account removed"
    ]
    assert lines(metadata.AnnotationsChanged("server", "", (removed,))) == [
        "annotation /shared/comment of the server removed"
    ]


def test_runs_of_scripts() -> None:
    assert lines(mailbox_scripts.MailboxScriptDue("a1", "b1", "FLAG", ((1, 3), (5, 5)), ("\\Seen",))) == [
        "FLAG (\\Seen) in Club, UID 1:3,5: its script is due"
    ]
    assert lines(mailbox_scripts.MailboxScriptRan("a1", "b1", 7, 5, True, "sort", 4, 1, "line 3: no")) == [
        "script sort ran over 4 messages in Club up to UID 5, 1 failed: line 3: no"
    ]

"""What the log says about scripts."""

from __future__ import annotations

from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent, story
from shared.events import directory, scripts
from shared.eventstore.event import Actor, Event, encode, encode_actor

NAMES = Names([directory.AccountAdded("a1", "ann@example.org", "u1")])
BY = encode_actor(Actor("operator", "root"))


def told(*events: Event) -> list[str]:
    logged = [LoggedEvent("mailstore.1.2", event.stored_name, 1, BY, "", encode(event)) for event in events]
    return [line.strip() for line in story(logged, NAMES)][1::2]


def test_every_change_is_a_sentence() -> None:
    assert told(
        scripts.ScriptPut("a1", "main", "keep;", "d1", ("copy",), "mailstore.1.1"),
        scripts.ScriptPut(scripts.SERVER, "spam", "# é", "d2"),
        scripts.ScriptRenamed("a1", "main", "new"),
        scripts.ScriptActivated("a1", "active", "new"),
        scripts.ScriptActivated(scripts.SERVER, "before", ""),
        scripts.ScriptDeleted("a1", "new"),
    ) == [
        "the script 'main' of ann@example.org has 5 octets now, which requires copy; it is the version of"
        " mailstore.1.1 again",
        "the script 'spam' of the server has 4 octets now",
        "the script 'main' of ann@example.org is now 'new'",
        "the script 'new' of ann@example.org is in the place 'active': it runs over mail from now on",
        "no script of the server is in the place 'before' any more",
        "the script 'new' of ann@example.org was deleted",
    ]


def test_a_name_controls_no_terminal() -> None:
    assert "\x1b" not in "".join(told(scripts.ScriptDeleted("a1", "\x1b[2J")))

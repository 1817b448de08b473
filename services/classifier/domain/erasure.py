"""What the classifier records of the mails and lessons of a deleted account."""

from __future__ import annotations

import msgspec

from shared.events.spam import LessonForgotten, LessonLearned, MailClassified
from shared.eventstore.event import Event

_NO_LABEL = "none"
"""The label of a lesson that is withdrawn (shared/events/spam.py)."""


def without_contents(event: Event) -> Event | None:
    """An event without words, and a lesson that teaches nothing; the hash of its message stays."""
    match event:
        case MailClassified():
            verdict = msgspec.structs.replace(event.verdict, words=(), tests=(), lists=())
            return msgspec.structs.replace(event, verdict=verdict, headers=b"")
        case LessonLearned():
            return msgspec.structs.replace(event, label=_NO_LABEL, features=())
        case LessonForgotten():
            return msgspec.structs.replace(event, features=())
        case _:
            return None

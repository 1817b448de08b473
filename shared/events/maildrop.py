"""Events of the mailstore about INBOX as a POP3 client sees it, in the stream of the account."""

from __future__ import annotations

from typing import NamedTuple

from shared.events.mailbox import Uids
from shared.eventstore.event import Event, stored


class GivenUniqueId(NamedTuple):
    """A unique id that a message has in place of its own."""

    entry: str
    """The message, wherever it is moved."""
    unique_id: str


@stored("message.fetched_away")
class MessagesFetchedAway(Event, frozen=True):
    """A POP3 client removed messages at the end of its session."""

    account: str
    mailbox: str
    uids: Uids


@stored("maildrop.unique_ids_given")
class UniqueIdsGiven(Event, frozen=True):
    """Messages got the unique ids that they had on a former server, so that POP3 clients know them again."""

    account: str
    ids: tuple[GivenUniqueId, ...]

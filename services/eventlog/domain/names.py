"""What a fact names: read out of its data by a few fields a type, without making the event.

A type that is not known here, of this release or a later one, is read for the names that most facts have. Data that
cannot be read names nothing; the fact is kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from services.eventlog.domain.keys import LIFE, MAIL, WHO, bare, key_of


class Names(NamedTuple):
    """The names in one fact, by kind."""

    queue_id: str = ""
    message_id: str = ""
    mail: tuple[str, ...] = ()
    """More of what a trace begins with: references, entry and content ids."""
    who: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    """Mailboxes to whose messages something happened."""

    def index_keys(self) -> list[int]:
        """The keys the fact is found by; some may come twice."""
        keys = [key_of(MAIL, text) for text in (self.queue_id, bare(self.message_id), *self.mail) if text]
        keys += [key_of(WHO, text) for text in self.who if text]
        keys += [key_of(LIFE, mailbox) for mailbox in self.mailboxes]
        return keys


class _Fields(msgspec.Struct, frozen=True):
    """A partial shape: fields it does not name are passed over unread."""


class _Address(_Fields, frozen=True):
    address: str = ""


class _Message(_Fields, frozen=True):
    message_id: str = ""
    author: str = ""


class _Reception(_Fields, frozen=True):
    queue_id: str
    reverse_path: str = ""
    recipients: tuple[_Address, ...] = ()
    message: _Message = _Message()
    client: _Address = _Address()
    user: str = ""
    account: str = ""


class _Refusal(_Fields, frozen=True):
    reference: str = ""
    sender: str = ""
    recipient: str = ""


class _Refused(_Fields, frozen=True):
    session: str = ""
    client: _Address = _Address()
    refusals: tuple[_Refusal, ...] = ()


class _Step(_Fields, frozen=True):
    recipient: str = ""
    address: str = ""
    account: str = ""


class _Plan(_Fields, frozen=True):
    queue_id: str
    steps: tuple[_Step, ...] = ()


class _Entry(_Fields, frozen=True):
    entry: str = ""
    content: str = ""
    message_id: str = ""


class _Delivered(_Fields, frozen=True):
    queue_id: str
    account: str = ""
    recipient: str = ""
    entry: _Entry = _Entry()


class _Appended(_Fields, frozen=True):
    account: str = ""
    entries: tuple[_Entry, ...] = ()


class _Changed(_Fields, frozen=True):
    account: str = ""
    mailbox: str = ""
    source: str = ""


class _Queued(_Fields, frozen=True):
    entry: str
    queue_id: str
    recipient: str = ""
    forward_path: str = ""
    reverse_path: str = ""


class _Lesson(_Fields, frozen=True):
    account: str = ""
    content: str = ""
    queue_id: str = ""
    entry: str = ""


class _Any(_Fields, frozen=True):
    queue_id: str = ""
    message_id: str = ""
    id: str = ""
    account: str = ""
    user: str = ""
    address: str = ""
    name: str = ""
    login: str = ""
    recipient: str = ""


def _reception(fact: _Reception) -> Names:
    recipients = [recipient.address for recipient in fact.recipients]
    who = (fact.reverse_path, *recipients, fact.message.author, fact.client.address, fact.user, fact.account)
    return Names(fact.queue_id, fact.message.message_id, who=who)


def _refused(fact: _Refused) -> Names:
    references = tuple(refusal.reference for refusal in fact.refusals)
    addresses = [address for refusal in fact.refusals for address in (refusal.sender, refusal.recipient)]
    return Names(mail=references, who=(fact.session, fact.client.address, *addresses))


def _plan(fact: _Plan) -> Names:
    return Names(
        fact.queue_id, who=tuple(text for step in fact.steps for text in (step.recipient, step.address, step.account))
    )


def _delivered(fact: _Delivered) -> Names:
    entry = fact.entry
    return Names(fact.queue_id, entry.message_id, (entry.entry, entry.content), (fact.account, fact.recipient))


def _appended(fact: _Appended) -> Names:
    mail = tuple(text for entry in fact.entries for text in (entry.entry, entry.content, bare(entry.message_id)))
    alone = fact.entries[0].message_id if len(fact.entries) == 1 else ""
    return Names(message_id=alone, mail=mail, who=(fact.account,))


def _changed(fact: _Changed) -> Names:
    return Names(who=(fact.account,), mailboxes=(fact.mailbox or fact.source,))


def _queued(fact: _Queued) -> Names:
    return Names(fact.queue_id, mail=(fact.entry,), who=(fact.recipient, fact.forward_path, fact.reverse_path))


def _lesson(fact: _Lesson) -> Names:
    return Names(fact.queue_id, mail=(fact.content, fact.entry), who=(fact.account,))


def _any(fact: _Any) -> Names:
    return Names(
        fact.queue_id,
        fact.message_id,
        (fact.id,),
        (fact.id, fact.account, fact.user, fact.address, fact.name, fact.login, fact.recipient),
    )


_Shape = tuple[msgspec.json.Decoder[Any], Callable[[Any], Names]]


def _shape(fields: type[_Fields], names: Callable[[Any], Names]) -> _Shape:
    return msgspec.json.Decoder(fields), names


_OTHER = _shape(_Any, _any)
_SHAPES: dict[str, _Shape] = {
    "mail.received": _shape(_Reception, _reception),
    "mail.submitted": _shape(_Reception, _reception),
    "mail.refused": _shape(_Refused, _refused),
    "delivery.planned": _shape(_Plan, _plan),
    "message.delivered": _shape(_Delivered, _delivered),
    "message.appended": _shape(_Appended, _appended),
    "message.flags_changed": _shape(_Changed, _changed),
    "message.copied": _shape(_Changed, _changed),
    "message.moved": _shape(_Changed, _changed),
    "message.expunged": _shape(_Changed, _changed),
    "mailbox.deleted": _shape(_Changed, _changed),
    "outbound.queued": _shape(_Queued, _queued),
    "lesson.learned": _shape(_Lesson, _lesson),
    "lesson.forgotten": _shape(_Lesson, _lesson),
}


def names_of(fact_type: str, data: bytes) -> Names:
    """What a fact of this stored name says in its data (JSON). Never fails."""
    decoder, names = _SHAPES.get(fact_type, _OTHER)
    try:
        return names(decoder.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Names()

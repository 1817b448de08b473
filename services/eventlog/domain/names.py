"""The names in an event, read from its data by a few fields of each type, without making the event.

A type that is not known here is read for the fields that most events have. Data that cannot be decoded has no names;
the event is kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from services.eventlog.domain.keys import LIFE, MAIL, WHO, bare, key_of


class EventNames(NamedTuple):
    """The names in one event, by kind."""

    queue_id: str = ""
    message_id: str = ""
    mail: tuple[str, ...] = ()
    """Further names with which a trace may begin: references, entry ids and content ids."""
    who: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    """Mailboxes to whose messages something happened."""

    def index_keys(self) -> list[int]:
        """The keys by which the event is found; some may occur twice."""
        keys = [key_of(MAIL, text) for text in (self.queue_id, bare(self.message_id), *self.mail) if text]
        keys += [key_of(WHO, text) for text in self.who if text]
        keys += [key_of(LIFE, mailbox) for mailbox in self.mailboxes]
        return keys


class _Fields(msgspec.Struct, frozen=True):
    """Some fields of an event; all other fields are skipped."""


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
    generated: str = ""


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


class _Rights(_Fields, frozen=True):
    account: str = ""
    mailbox: str = ""
    rights: tuple[tuple[str, str], ...] = ()


class _OwnSeen(_Fields, frozen=True):
    account: str = ""
    mailbox: str = ""
    reader: str = ""


class _Annotated(_Fields, frozen=True):
    owner: str = ""


class _Queued(_Fields, frozen=True):
    entry: str
    queue_id: str
    recipient: str = ""
    forward_path: str = ""
    reverse_path: str = ""


class _Report(_Fields, frozen=True):
    report: str
    queue_id: str
    entries: tuple[str, ...] = ()
    to: str = ""
    message_id: str = ""


class _QuotaNotice(_Fields, frozen=True):
    account: str
    report: str = ""


class _Lesson(_Fields, frozen=True):
    account: str = ""
    content: str = ""
    queue_id: str = ""
    entry: str = ""


class _Script(_Fields, frozen=True):
    owner: str


class _Application(_Fields, frozen=True):
    account: str
    application: str


class _Sending(_Fields, frozen=True):
    id: str = ""
    domain: str = ""
    selector: str = ""
    host: str = ""


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


def _reception(event: _Reception) -> EventNames:
    recipients = [recipient.address for recipient in event.recipients]
    who = (event.reverse_path, *recipients, event.message.author, event.client.address, event.user, event.account)
    return EventNames(event.queue_id, event.message.message_id, who=who)


def _refused(event: _Refused) -> EventNames:
    references = tuple(refusal.reference for refusal in event.refusals)
    addresses = [address for refusal in event.refusals for address in (refusal.sender, refusal.recipient)]
    return EventNames(mail=references, who=(event.session, event.client.address, *addresses))


def _plan(event: _Plan) -> EventNames:
    """What a plan names; the mails that its steps generate lead to it as well."""
    generated = tuple(step.generated for step in event.steps if step.generated)
    who = tuple(text for step in event.steps for text in (step.recipient, step.address, step.account))
    return EventNames(event.queue_id, mail=generated, who=who)


def _delivered(event: _Delivered) -> EventNames:
    entry = event.entry
    return EventNames(event.queue_id, entry.message_id, (entry.entry, entry.content), (event.account, event.recipient))


def _appended(event: _Appended) -> EventNames:
    mail = tuple(text for entry in event.entries for text in (entry.entry, entry.content, bare(entry.message_id)))
    alone = event.entries[0].message_id if len(event.entries) == 1 else ""
    return EventNames(message_id=alone, mail=mail, who=(event.account,))


def _rights_changed(event: _Rights) -> EventNames:
    others = tuple(identifier.removeprefix("-") for identifier, _ in event.rights)
    return EventNames(who=(event.account, *others), mailboxes=(event.mailbox,))


def _changed(event: _Changed) -> EventNames:
    return EventNames(who=(event.account,), mailboxes=(event.mailbox or event.source,))


def _queued(event: _Queued) -> EventNames:
    return EventNames(
        event.queue_id, mail=(event.entry,), who=(event.recipient, event.forward_path, event.reverse_path)
    )


def _report(event: _Report) -> EventNames:
    return EventNames(event.queue_id, event.message_id, (event.report, *event.entries), (event.to,))


def _quota_notice(event: _QuotaNotice) -> EventNames:
    return EventNames(event.report, who=(event.account,))


def _own_seen(event: _OwnSeen) -> EventNames:
    return EventNames(who=(event.account, event.reader), mailboxes=(event.mailbox,))


def _annotated(event: _Annotated) -> EventNames:
    return EventNames(who=(event.owner,))


def _lesson(event: _Lesson) -> EventNames:
    return EventNames(event.queue_id, mail=(event.content, event.entry), who=(event.account,))


def _script(event: _Script) -> EventNames:
    return EventNames(who=(event.owner,))


def _application(event: _Application) -> EventNames:
    return EventNames(mail=(event.application,), who=(event.account, event.application))


def _sending(event: _Sending) -> EventNames:
    return EventNames(who=(event.id, event.domain, event.selector, event.host))


def _any(event: _Any) -> EventNames:
    return EventNames(
        event.queue_id,
        event.message_id,
        (event.id,),
        (event.id, event.account, event.user, event.address, event.name, event.login, event.recipient),
    )


_OF_APPLICATIONS = ("application_begun", "application_advanced", "application_ended", "undo_begun", "undo_advanced")
_OF_ENTRIES = (
    "delivered",
    "deferred",
    "delayed",
    "bounced",
    "expired",
    "held",
    "released",
    "rescheduled",
    "cancelled",
)
_Shape = tuple[msgspec.json.Decoder[Any], Callable[[Any], EventNames]]


def _shape(fields: type[_Fields], names: Callable[[Any], EventNames]) -> _Shape:
    return msgspec.json.Decoder(fields), names


_OTHER = _shape(_Any, _any)
_SHAPES: dict[str, _Shape] = {
    "mail.received": _shape(_Reception, _reception),
    "mail.submitted": _shape(_Reception, _reception),
    "mail.refused": _shape(_Refused, _refused),
    "delivery.planned": _shape(_Plan, _plan),
    "delivery.list_expanded": _shape(_Plan, _plan),
    "delivery.script_sent": _shape(_Plan, _plan),
    "message.delivered": _shape(_Delivered, _delivered),
    "message.appended": _shape(_Appended, _appended),
    "message.flags_changed": _shape(_Changed, _changed),
    "message.copied": _shape(_Changed, _changed),
    "message.moved": _shape(_Changed, _changed),
    "message.expunged": _shape(_Changed, _changed),
    "message.expired": _shape(_Changed, _changed),
    "message.fetched_away": _shape(_Changed, _changed),
    "message.restored": _shape(_Changed, _changed),
    "mailbox.deleted": _shape(_Changed, _changed),
    "mailbox.rights_changed": _shape(_Rights, _rights_changed),
    "mailbox.all_mail_filled": _shape(_Changed, _changed),
    "mailbox.all_mail_ended": _shape(_Changed, _changed),
    "mailbox_script.due": _shape(_Changed, _changed),
    "mailbox_script.ran": _shape(_Changed, _changed),
    "message.own_seen_changed": _shape(_OwnSeen, _own_seen),
    "message.own_seen_forgotten": _shape(_OwnSeen, _own_seen),
    "annotation.changed": _shape(_Annotated, _annotated),
    "outbound.queued": _shape(_Queued, _queued),
    **{f"outbound.{name}": _shape(_Queued, _queued) for name in _OF_ENTRIES},
    "outbound.report_made": _shape(_Report, _report),
    "outbound.report_failed": _shape(_Report, _report),
    "quota.warned": _shape(_QuotaNotice, _quota_notice),
    "quota.eased": _shape(_QuotaNotice, _quota_notice),
    "quota.notified": _shape(_QuotaNotice, _quota_notice),
    "lesson.learned": _shape(_Lesson, _lesson),
    "lesson.forgotten": _shape(_Lesson, _lesson),
    **{f"script.{name}": _shape(_Script, _script) for name in ("put", "renamed", "deleted", "activated")},
    **{f"script.{name}": _shape(_Application, _application) for name in _OF_APPLICATIONS},
    "dkim.key_added": _shape(_Sending, _sending),
    "dkim.key_activated": _shape(_Sending, _sending),
    "dkim.key_retired": _shape(_Sending, _sending),
    "dkim.key_resealed": _shape(_Sending, _sending),
    "dkim.record_checked": _shape(_Sending, _sending),
    "relay.set": _shape(_Sending, _sending),
    "relay.removed": _shape(_Sending, _sending),
    "relay.password_resealed": _shape(_Sending, _sending),
}


def names_of(event_type: str, data: bytes) -> EventNames:
    """The names in the data (JSON) of an event with this stored name. Never raises."""
    decoder, names = _SHAPES.get(event_type, _OTHER)
    try:
        return names(decoder.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return EventNames()

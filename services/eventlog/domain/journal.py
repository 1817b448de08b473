"""Which events the owner of an account finds in the journal, and what of them it shows: no subjects, no contents."""

from __future__ import annotations

import msgspec

from shared.eventstore.event import Actor, decode_actor

LOG_IN, REFUSED, LOCKOUT, READ, EXPORT, CHANGE = "log-in", "refused", "lockout", "read", "export", "change"
KINDS = (LOG_IN, REFUSED, LOCKOUT, READ, EXPORT, CHANGE)
_KIND_OF = {
    "login.succeeded": LOG_IN,
    "login.refused": REFUSED,
    "lockout.started": LOCKOUT,
    "lockout.ended": LOCKOUT,
    "lockout.lifted": LOCKOUT,
    "message.bodies_read": READ,
    "account.archive_opened": EXPORT,
}
_KIND_BY_OTHERS = {"message.searched": READ}
"""The kinds of entries that are only made when somebody else than the owner did it."""
_CHANGES = (
    "message.",
    "mailbox.",
    "script.",
    "annotation.",
    "account.",
    "app_password.",
    "user.",
    "quota.",
    "sendas.",
    "blocking.",
    "maildrop.",
)
"""What is in the journal when somebody else than the owner did it."""
_ALONE = "message.own_seen_"
r"""What a user changes for himself alone: the owner does not learn what others mark with a \Seen of their own."""
_PEOPLE = ("user", "operator")


class JournalOwner(msgspec.Struct, frozen=True):
    """The account whose journal it is, and its user; no user for one of a group, whose members are all others."""

    account: str
    address: str
    user: str


class JournalFields(msgspec.Struct, frozen=True):
    """The fields of an event that are shown; every other one is skipped."""

    protocol: str = ""
    mailbox: str = ""
    source: str = ""
    messages: int = 0
    count: int = 0
    mistakes: int = 0
    reason: str = ""
    purpose: str = ""
    address: str = ""


class JournalLine(msgspec.Struct, frozen=True):
    """An entry of the journal."""

    kind: str
    actor: Actor
    fields: JournalFields


_WITH_FIELDS = _KIND_OF.keys() | _KIND_BY_OTHERS.keys()
_fields = msgspec.json.Decoder(JournalFields)


def may_be_listed(event_type: str) -> bool:
    """Whether events of this type are in journals."""
    return event_type in _KIND_OF or (event_type.startswith(_CHANGES) and not event_type.startswith(_ALONE))


def line_of(event_type: str, actor: str, data: bytes, owner: JournalOwner) -> JournalLine | None:
    """The entry for an event about the account; None when it is none."""
    try:
        who = decode_actor(actor)
        fields = _fields.decode(data) if event_type in _WITH_FIELDS else JournalFields(mailbox=_mailbox(data))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    kind = _KIND_OF.get(event_type) or _by_another(event_type, who, owner)
    return JournalLine(kind, who, fields) if kind else None


def _by_another(event_type: str, who: Actor, owner: JournalOwner) -> str:
    kind = _KIND_BY_OTHERS.get(event_type, CHANGE)
    return kind if who.kind in _PEOPLE and not (who.kind == "user" and who.id == owner.user) else ""


class _Mailbox(msgspec.Struct, frozen=True):
    """The mailbox of a change, where the event names one by id."""

    mailbox: msgspec.Raw = msgspec.Raw(b'""')
    source: msgspec.Raw = msgspec.Raw(b'""')


_mailboxes = msgspec.json.Decoder(_Mailbox)


def _mailbox(data: bytes) -> str:
    decoded = _mailboxes.decode(data)
    for raw in (decoded.mailbox, decoded.source):
        value = msgspec.json.decode(raw)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            return str(value["id"])
    return ""

"""What a script decides, as values. Texts are UTF-8 text; the order of the actions is the order of the script.

`edits` is the form of the message at the moment of the action: the original, or with changed header or body.
"""

from __future__ import annotations

import msgspec


class MessageEdits(msgspec.Struct, frozen=True):
    """The changes of a message by editheader, replace and enclose (RFC 5293, RFC 5703).

    `top` and `bottom` are header lines, each with its CRLF, that are added above and below the header; `deleted` are
    the numbers, from 0, of the original header's fields that are left out. When `content` is not None it is the whole
    new message and takes the place of header and body; the other fields are then empty.
    """

    top: tuple[bytes, ...] = ()
    bottom: tuple[bytes, ...] = ()
    deleted: tuple[int, ...] = ()
    content: bytes | None = None


UNEDITED = MessageEdits()


class KeepAction(msgspec.Struct, frozen=True, tag_field="action", tag="keep", omit_defaults=True):
    """Store in INBOX (RFC 5228 §4.3); `implicit` when no action cancelled the implicit keep (§2.10.2)."""

    implicit: bool = False
    flags: tuple[str, ...] = ()
    edits: MessageEdits = UNEDITED
    line: int = 0


class FileIntoAction(msgspec.Struct, frozen=True, tag_field="action", tag="fileinto", omit_defaults=True):
    """Store in a mailbox (RFC 5228 §4.1).

    `create` (RFC 5490 §3.2) makes a missing mailbox. A mailbox that exists with `mailbox_id` (RFC 9042 §4) or with
    `special_use` (RFC 8579 §4) takes precedence over the name.
    """

    mailbox: str
    flags: tuple[str, ...] = ()
    create: bool = False
    copy: bool = False
    mailbox_id: str = ""
    special_use: str = ""
    edits: MessageEdits = UNEDITED
    line: int = 0


class DiscardAction(msgspec.Struct, frozen=True, tag_field="action", tag="discard", omit_defaults=True):
    """Cancel the implicit keep (RFC 5228 §4.4); it undoes no other action."""

    line: int = 0


class RedirectAction(msgspec.Struct, frozen=True, tag_field="action", tag="redirect", omit_defaults=True):
    """Send on to an address (RFC 5228 §4.2), or to the members of an external list (RFC 6134 §2.3).

    `notify` and `ret` are those of RFC 6009 §4; `by_time` is seconds (relative) or a time (absolute), with `by_mode`
    and `by_trace` of §5. Empty texts mean not given.
    """

    address: str
    copy: bool = False
    list_name: str = ""
    notify: str = ""
    ret: str = ""
    by_time: str = ""
    by_mode: str = ""
    by_trace: bool = False
    edits: MessageEdits = UNEDITED
    line: int = 0


class RejectAction(msgspec.Struct, frozen=True, tag_field="action", tag="reject", omit_defaults=True):
    """Refuse the message (RFC 5429 §2.2)."""

    reason: str
    line: int = 0


class ErejectAction(msgspec.Struct, frozen=True, tag_field="action", tag="ereject", omit_defaults=True):
    """Refuse the message in the SMTP dialogue if possible (RFC 5429 §2.1)."""

    reason: str
    line: int = 0


class SentCopy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a generated message is stored too (RFC 8580 §3)."""

    mailbox: str
    flags: tuple[str, ...] = ()
    create: bool = False
    mailbox_id: str = ""
    special_use: str = ""


class VacationAction(msgspec.Struct, frozen=True, tag_field="action", tag="vacation", omit_defaults=True):
    """Answer the sender once in a period (RFC 5230).

    `recipient` is the address that the reply goes to. `memory` identifies the response among those that the sender
    has had (§4.2); it does not depend on variables. `seconds` is the period, 0 for each message (RFC 6131). `subject`
    is that of the reply. Without a reply that is due (§4.5, §4.6) there is no such action; the account says why.
    """

    recipient: str
    reason: str
    subject: str
    memory: str
    seconds: int
    sender: str = ""
    is_mime: bool = False
    fcc: SentCopy | None = None
    line: int = 0


class NotifyAction(msgspec.Struct, frozen=True, tag_field="action", tag="notify", omit_defaults=True):
    """Send a notification (RFC 5435 §3). `importance` is 1, 2 or 3; `method` is the URI."""

    method: str
    message: str
    importance: int = 2
    sender: str = ""
    options: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    """For a mailto URI: its addresses."""
    subject: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """For a mailto URI: the other header fields that it sets (RFC 5436 §2.3)."""
    fcc: SentCopy | None = None
    line: int = 0


class TrackDuplicateAction(msgspec.Struct, frozen=True, tag_field="action", tag="track-duplicate", omit_defaults=True):
    """Remember that this message was seen, when all effects have succeeded (RFC 7352 §3)."""

    memory: str
    seconds: int | None = None
    is_last: bool = False
    """Whether the period starts again when the id is seen again (§3.2)."""
    line: int = 0


SieveAction = (
    KeepAction
    | FileIntoAction
    | DiscardAction
    | RedirectAction
    | RejectAction
    | ErejectAction
    | VacationAction
    | NotifyAction
    | TrackDuplicateAction
)

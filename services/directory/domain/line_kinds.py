"""The kinds of lines of imports and exports. None, and an empty text, say nothing of an object that is there already.

A new kind gets a class here, a method in `handlers/bulk_kinds.py` or beside it, and a table in `handlers/exports.py`.
"""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class BulkLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True):
    """A line. None, and an empty text, say nothing about an object that is there already."""

    def __repr__(self) -> str:
        """The kind of the line alone: it may hold a password."""
        return f"{type(self).__name__}(…)"


class DomainLine(BulkLine, frozen=True, tag="domain"):
    """A domain."""

    name: str
    incoming: bool | None = None
    disabled: bool | None = None
    alias_of: str = ""
    """The domain whose addresses are its own."""


class UserLine(BulkLine, frozen=True, tag="user"):
    """A user. Without a password nobody can log in until one is set."""

    name: str
    password: str = ""
    password_hash: str = ""
    disabled: bool | None = None
    display_name: str | None = None
    language: str | None = None
    """A language tag (RFC 5646)."""
    time_zone: str | None = None
    """A name of the IANA time zone database."""


class GroupLine(BulkLine, frozen=True, tag="group"):
    """A group of users."""

    name: str
    members: tuple[str, ...] | str = ()
    """A list, or names of users separated by commas."""


class AccountLine(BulkLine, frozen=True, tag="account"):
    """An account, and its user, if there is none of that name yet."""

    address: str
    user: str = ""
    """Empty: a user with the name of the address, unless a group is named."""
    group: str = ""
    """The group to which it belongs, in place of a user."""
    password: str = ""
    password_hash: str = ""
    quota_bytes: Count | None = None
    quota_messages: Count | None = None
    max_message_size: Count | None = None
    disabled: bool | None = None

    @property
    def user_name(self) -> str:
        """The name of its user; empty for an account of a group."""
        return "" if self.group else self.user or self.address


class ApplicationLine(BulkLine, frozen=True, tag="application"):
    """An application. It opens nothing until `mailfold application password` makes its password."""

    address: str
    receives: bool | None = None
    mails_an_hour: Count | None = None
    quota_bytes: Count | None = None
    quota_messages: Count | None = None
    max_message_size: Count | None = None
    disabled: bool | None = None


class AliasLine(BulkLine, frozen=True, tag="alias"):
    """An alias."""

    address: str
    targets: tuple[str, ...] | str
    """A list, or addresses separated by blanks; a group is written as `group:NAME`."""
    owners: tuple[str, ...] | str = ()
    """A list, or names separated by commas."""
    ends_at: str = ""
    """A time of ISO 8601, in UTC unless it names a zone. One in the past: the alias has ended."""
    disabled: bool | None = None


class ValueLine(BulkLine, frozen=True, tag="value"):
    """A value of a domain. It replaces the one before."""

    domain: str
    name: str
    value: str = ""


class ListLine(BulkLine, frozen=True, tag="list"):
    """A mailing list without its members."""

    address: str
    owners: tuple[str, ...] | str = ()
    """A list, or addresses separated by commas."""
    description: str = ""
    members_only: bool | None = None
    skip_recipients: bool | None = None
    rewrite_author: bool | None = None
    disabled: bool | None = None
    moderate: str = ""
    """Which posts are held: `none`, `non-members` or `all`."""
    moderators: tuple[str, ...] | str = ()
    """A list, or addresses separated by commas."""
    most_posts: Count | None = None
    most_bytes: Count | None = None
    days: Count | None = None


class MembersLine(BulkLine, frozen=True, tag="members"):
    """Some members of a mailing list. Those who are members already stay so."""

    list: str
    members: tuple[str, ...] | str
    """A list, or addresses separated by commas; a group is written as `group:NAME`."""
    paused: bool | None = None


class SignatureLine(BulkLine, frozen=True, tag="signature"):
    """The mail signature of a domain. It replaces the one before."""

    domain: str
    text: str = ""
    html: str = ""


class FieldLine(BulkLine, frozen=True, tag="field"):
    """A field of a user, such as `phone`. It replaces the one before."""

    user: str
    name: str
    value: str = ""


class GrantLine(BulkLine, frozen=True, tag="grant"):
    """The right of a user to send as an account of another user."""

    user: str
    address: str


class SendersLine(BulkLine, frozen=True, tag="senders"):
    """Some blocked or allowed senders and networks."""

    list: str
    """`block` or `allow`."""
    patterns: tuple[str, ...] | str
    """A list, or patterns separated by commas."""
    address: str = ""
    """The account for whose mail they count; empty: all mail of the server."""


class RelayLine(BulkLine, frozen=True, tag="relay"):
    """A relay without its password: one with a log-in that is not there yet is refused."""

    preset: str
    domain: str = ""
    """Empty: the default relay."""
    host: str = ""
    port: Count = 0
    tls: str = ""
    user: str = ""
    signatures: str = ""
    connections: Count = 0
    messages_per_minute: Count = 0
    recipients_per_message: Count = 0
    accepts_null_reverse_path: bool | None = None


AnyLine = (
    DomainLine
    | UserLine
    | GroupLine
    | AccountLine
    | ApplicationLine
    | AliasLine
    | ListLine
    | MembersLine
    | ValueLine
    | SignatureLine
    | FieldLine
    | GrantLine
    | SendersLine
    | RelayLine
)
KINDS = get_args(AnyLine)

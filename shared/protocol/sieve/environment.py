"""What a run gets besides the script and the message: envelope, environment, and answers from outside as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from shared.protocol.sieve.program import CompiledScript


class NotKnownYet(Exception):
    """Raised in a run by a test of what is known only later. It is no error of the script."""


class SieveEnvelope(msgspec.Struct, frozen=True):
    """The SMTP envelope: `sender` is the reverse-path without brackets, "" for the null reverse-path.

    The other fields are those of RFC 6009 §3: empty when the client gave none.
    """

    sender: str = ""
    recipient: str = ""
    authenticated: str = ""
    notify: tuple[str, ...] = ()
    orcpt: str = ""
    ret: str = ""
    envid: str = ""
    by_time_absolute: str = ""
    by_time_relative: str = ""
    by_mode: str = ""
    by_trace: str = ""


class SieveEnvironment(msgspec.Struct, frozen=True):
    """The circumstances of a run.

    `now` is the one instant that all tests of the run see, `zone` the owner's zone (RFC 5260 §4.1). `addresses` are all
    addresses of the owner. `items` are those of RFC 5183 §4.1. `spam_percent` is None when no spam test was made;
    `virus` is the value of RFC 5235 §3. `separators` divide the user of a localpart from its detail (RFC 5233 §4).
    """

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    zone: tzinfo = UTC
    addresses: tuple[str, ...] = ()
    items: Mapping[str, str] = {}
    spam_percent: int | None = None
    virus: int = 0
    separators: str = "+"
    has_envelope: bool = True
    """False for IMAP events and for apply-now, where `envelope` is a run-time error (RFC 6785 §4.6)."""
    flags: tuple[str, ...] = ()
    """The flags that the message has in the store; imap4flags' internal variable (RFC 5232 §3) begins with them."""
    is_judged: bool = True
    """False before the mail is judged; `spamtest` and `virustest` then raise NotKnownYet."""


class Answers(Protocol):
    """What a script asks of the world. An implementation records what it answered; it may raise its own errors for what
    is unavailable for the moment, and they pass through the run unchanged."""

    def mailbox_exists(self, name: str) -> bool:
        """Whether the owner can file into this mailbox (RFC 5490 §3.1)."""

    def mailbox_id_exists(self, mailbox_id: str) -> bool:
        """Whether there is a mailbox with this id (RFC 9042 §5)."""

    def special_use_exists(self, special_use: str, mailbox: str | None) -> bool:
        """Whether a mailbox, or this mailbox, has the special use (RFC 8579 §3)."""

    def mailbox_metadata(self, mailbox: str, entry: str) -> str | None:
        """The value of an annotation of a mailbox (RFC 5490 §4), or None."""

    def server_metadata(self, entry: str) -> str | None:
        """The value of an annotation of the server (RFC 5490 §5), or None."""

    def is_duplicate(self, memory: str) -> bool:
        """Whether an earlier message has left this memory and it has not expired (RFC 7352 §3)."""

    def included_script(self, location: str, name: str) -> CompiledScript | None:
        """The script that `include` names (RFC 6609 §3.2); `location` is "personal" or "global". None: not there."""

    def list_exists(self, name: str) -> bool:
        """Whether there is an external list of this name (RFC 6134 §2.7)."""

    def list_contains(self, name: str, value: str) -> bool:
        """Whether the external list contains the value (RFC 6134 §2.2)."""


class RecordedAnswers(msgspec.Struct, frozen=True):
    """Answers that are known in advance."""

    mailboxes: Collection[str] = ("INBOX",)
    mailbox_ids: Collection[str] = ()
    special_uses: Mapping[str, Collection[str]] = {}
    """The mailboxes of a special use."""
    mailbox_annotations: Mapping[tuple[str, str], str] = {}
    server_annotations: Mapping[str, str] = {}
    duplicates: Collection[str] = ()
    scripts: Mapping[tuple[str, str], CompiledScript] = {}
    lists: Mapping[str, Collection[str]] = {}

    def mailbox_exists(self, name: str) -> bool:
        """Whether the mailbox is recorded."""
        return name in self.mailboxes

    def mailbox_id_exists(self, mailbox_id: str) -> bool:
        """Whether the id is recorded."""
        return mailbox_id in self.mailbox_ids

    def special_use_exists(self, special_use: str, mailbox: str | None) -> bool:
        """Whether the special use is recorded, compared without case."""
        holders = [
            name for use, names in self.special_uses.items() if use.lower() == special_use.lower() for name in names
        ]
        return mailbox in holders if mailbox is not None else bool(holders)

    def mailbox_metadata(self, mailbox: str, entry: str) -> str | None:
        """The recorded annotation."""
        return self.mailbox_annotations.get((mailbox, entry))

    def server_metadata(self, entry: str) -> str | None:
        """The recorded annotation."""
        return self.server_annotations.get(entry)

    def is_duplicate(self, memory: str) -> bool:
        """Whether the memory is recorded."""
        return memory in self.duplicates

    def included_script(self, location: str, name: str) -> CompiledScript | None:
        """The recorded script."""
        return self.scripts.get((location, name))

    def list_exists(self, name: str) -> bool:
        """Whether the list is recorded."""
        return name in self.lists

    def list_contains(self, name: str, value: str) -> bool:
        """Whether the recorded list contains the value."""
        return value in self.lists.get(name, ())

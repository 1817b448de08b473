"""Decisions about DKIM keys: which sign, when a new key takes over, and when an old one may go (RFC 6376 §3.6).

A domain's first keys sign at once. Later keys are `new` until their record is seen in the DNS; then they sign, and the
ones of the same algorithm before them become `former`: they stay published, because mail that they signed is still on
its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.sending import DkimKeyActivated, DkimKeyAdded, DkimKeyRetired, DkimRecordChecked
from shared.eventstore.event import HIDDEN, Event
from shared.protocol.dkim.signing_key import zone_text

KeyState = Literal["new", "signing", "former"]
MOST_KEYS = 12
"""Keys of a domain at once, so that rotation without an end cannot fill the zone."""
_TTL = 3600
_DAY = 86_400 * 1_000_000


class NewDkimKey(msgspec.Struct, frozen=True):
    """A key that was just made, with its sealed private key."""

    id: str
    selector: str
    algorithm: str
    record: str
    private_key: str

    def added(self, domain: str, *, signs: bool) -> DkimKeyAdded:
        """The event that gives the key to a domain."""
        return DkimKeyAdded(self.id, domain, self.selector, self.algorithm, self.record, self.private_key, signs)

    def __repr__(self) -> str:
        return f"NewDkimKey({self.selector}, {self.algorithm}, {HIDDEN})"


class NewDomain(msgspec.Struct, frozen=True):
    """The id and the keys of a domain that is to be added."""

    id: str
    keys: tuple[NewDkimKey, ...]


class DkimKeyState(msgspec.Struct, frozen=True):
    """A DKIM key of a domain."""

    id: str
    domain: str
    domain_name: str
    selector: str
    algorithm: str
    record: str
    state: KeyState
    published: bool
    """Whether the last check that had an answer saw the record."""
    since: int
    """Microseconds: in this state since."""

    @property
    def name(self) -> str:
        """The DNS name of its record (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain_name}"

    @property
    def zone_line(self) -> str:
        """Its record for a zone file."""
        return f"{self.name}. {_TTL} IN TXT {zone_text(self.record)}"

    def retire_after(self, wait_days: int) -> int:
        """Microseconds: when a former key may be retired; 0 for other keys."""
        return self.since + wait_days * _DAY if self.state == "former" else 0


class KeyRecordCheck(msgspec.Struct, frozen=True):
    """What the DNS said about the record of a key."""

    published: bool | None
    """None: there was no usable answer, which changes nothing."""
    answer: str
    """What was seen, and where."""


def add_keys(existing: Sequence[DkimKeyState], made: Sequence[NewDkimKey], domain: str) -> list[Event]:
    """Give a domain the keys whose algorithm it has no key for; they sign at once."""
    algorithms = {key.algorithm for key in existing}
    return [key.added(domain, signs=True) for key in made if key.algorithm not in algorithms]


def rotate(existing: Sequence[DkimKeyState], made: Sequence[NewDkimKey], domain: str) -> list[Event]:
    """Give a domain new keys, which do not sign yet."""
    waiting = next((key for key in existing if key.state == "new"), None)
    if waiting is not None:
        raise DirectoryRefused(
            "not-empty",
            f"{waiting.domain_name} has a new key already, which waits for its record: `mailfold dkim show "
            f"{waiting.domain_name}` prints it",
        )
    if len(existing) + len(made) > MOST_KEYS:
        name = existing[0].domain_name
        raise DirectoryRefused(
            "not-empty", f"{name} has {len(existing)} keys: retire former ones first (`mailfold dkim retire {name}`)"
        )
    return [key.added(domain, signs=False) for key in made]


def checked(existing: Sequence[DkimKeyState], checks: Mapping[str, KeyRecordCheck]) -> list[Event]:
    """Record what the DNS has now, by key id, and let new keys sign that are published."""
    events: list[Event] = []
    for key in existing:
        sighting = checks.get(key.id)
        if sighting is None or sighting.published is None:
            continue
        if sighting.published != key.published:
            events.append(DkimRecordChecked(key.id, key.domain, sighting.published, sighting.answer))
        if sighting.published and key.state == "new":
            replaced = [old.id for old in existing if old.state == "signing" and old.algorithm == key.algorithm]
            events.append(DkimKeyActivated(key.id, key.domain, tuple(replaced)))
    return events


def retire(
    existing: Sequence[DkimKeyState], domain_name: str, selector: str, *, force: bool, now: int, wait_days: int
) -> list[DkimKeyState]:
    """The keys that may go: the one with this selector, or every former key that was published long enough.

    A key that signs never goes; a new one may go at any time, because nothing was signed with it. `force` lets former
    keys go early.
    """
    candidates = [key for key in existing if key.selector == selector] if selector else _former(existing)
    if not candidates:
        what = f"no key with the selector {selector[:80]!r}" if selector else "no former key"
        raise DirectoryRefused(
            "missing", f"{domain_name} has {what}: `mailfold dkim show {domain_name}` shows its keys"
        )
    if candidates[0].state == "signing":
        raise DirectoryRefused(
            "invalid", f"{candidates[0].selector} signs mail now: `mailfold dkim rotate {domain_name}` makes new keys"
        )
    due = [key for key in candidates if force or key.retire_after(wait_days) <= now]
    if not due:
        days = -(-(min(key.retire_after(wait_days) for key in candidates) - now) // _DAY)
        raise DirectoryRefused(
            "not-empty",
            f"mail that {candidates[0].selector} signed may still be on its way: retire it in {days} day(s), or with "
            f"--force",
        )
    return due


def retired(keys: Sequence[DkimKeyState]) -> list[Event]:
    """The events that remove these keys."""
    return [DkimKeyRetired(key.id, key.domain, key.selector) for key in keys]


def _former(existing: Sequence[DkimKeyState]) -> list[DkimKeyState]:
    return [key for key in existing if key.state == "former"]

"""Decisions about the secrets of return paths: which are used, and when an earlier one may go.

A return path is accepted for some weeks after it was written, so an earlier secret stays for that time after it was
replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.return_paths import ReturnPathSecretAdded, ReturnPathSecretRetired
from shared.eventstore.event import HIDDEN, Event
from shared.protocol.srs.proof import MAX_AGE

MOST_SECRETS: Final = 8
"""Secrets at once: each is tried for a return path that a stranger names."""
KEPT_DAYS: Final = MAX_AGE + 2
"""Days for which an earlier secret is kept: services may write with it for a moment after it was replaced."""
_DAY = 86_400 * 1_000_000


class ReturnPathSecretState(msgspec.Struct, frozen=True):
    """A secret, sealed."""

    id: str
    secret: str
    since: int
    """Microseconds: when it was made."""
    replaced_at: int = 0
    """Microseconds: when the next one was made; 0 for the current one."""

    @property
    def valid_until(self) -> int:
        """Microseconds: until when return paths of an earlier secret are accepted; 0 for the current one."""
        return self.replaced_at + KEPT_DAYS * _DAY if self.replaced_at else 0

    def __repr__(self) -> str:
        return f"ReturnPathSecretState({self.id}, {HIDDEN})"


class NewReturnPathSecret(msgspec.Struct, frozen=True):
    """A secret that was just made, sealed."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"NewReturnPathSecret({self.id}, {HIDDEN})"


def usable(existing: Sequence[ReturnPathSecretState], now: int) -> list[ReturnPathSecretState]:
    """The secrets with which return paths are read, the current one first."""
    current = [secret for secret in existing if not secret.replaced_at]
    earlier = [secret for secret in existing if secret.valid_until > now]
    return current + sorted(earlier, key=lambda secret: -secret.replaced_at)


def begin(existing: Sequence[ReturnPathSecretState], made: NewReturnPathSecret) -> list[Event]:
    """Add the first secret, unless there is one already."""
    if any(not secret.replaced_at for secret in existing):
        return []
    return [ReturnPathSecretAdded(made.id, made.secret)]


def rotate(
    existing: Sequence[ReturnPathSecretState], made: NewReturnPathSecret, *, forget: bool, now: int
) -> list[Event]:
    """Add a secret, and retire the earlier ones whose time is over; with `forget` all of them, at once.

    Raises DirectoryRefused when too many secrets would be valid.
    """
    kept = [] if forget else [secret for secret in existing if not secret.replaced_at or secret.valid_until > now]
    if len(kept) >= MOST_SECRETS:
        raise DirectoryRefused(
            "not-empty",
            f"{len(kept)} secrets are valid, because return paths are accepted for {KEPT_DAYS} days: wait, or make all "
            f"of them invalid with --forget",
        )
    retired = [ReturnPathSecretRetired(secret.id) for secret in existing if secret not in kept]
    return [ReturnPathSecretAdded(made.id, made.secret), *retired]

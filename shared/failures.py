"""Classifies errors for workers: one table for all.

Unavailable: the work is tried again for days. Refused: it becomes a dead letter at once, because a repeat would be
refused again. Unforeseen: it is tried a few times, because it may be either.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.blobs.errors import BadBlobId, BlobDamaged, BlobError, BlobMissing, BlobTooLarge
from shared.bus.errors import BusError, BusRefused, DeliveriesExhausted
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import UnknownEvent
from shared.eventstore.transaction import VersionConflict
from shared.grpc.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    Invalid,
    LimitReached,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from shared.opensearch.errors import OpenSearchRefused, OpenSearchUnavailable
from shared.secrets import SecretsError


class Failure(Enum):
    """The classes of errors."""

    UNAVAILABLE = "unavailable"
    """Something that the work needs is away or full: try again, without limit."""
    REFUSED = "refused"
    """A decision against the work: make it a dead letter."""
    UNFORESEEN = "unforeseen"
    """Perhaps a bug that hits every attempt, perhaps a passing fault: try some times, then make it a dead letter."""


_TABLE: dict[type[BaseException], Failure] = {
    BusError: Failure.UNAVAILABLE,
    BusRefused: Failure.REFUSED,
    DeliveriesExhausted: Failure.REFUSED,
    StoreUnavailable: Failure.UNAVAILABLE,
    VersionConflict: Failure.UNAVAILABLE,
    UnknownEvent: Failure.REFUSED,
    msgspec.DecodeError: Failure.REFUSED,
    UnicodeDecodeError: Failure.REFUSED,
    Unavailable: Failure.UNAVAILABLE,
    TimedOut: Failure.UNAVAILABLE,
    Conflict: Failure.UNAVAILABLE,
    LimitReached: Failure.UNAVAILABLE,
    # The credentials of two processes differ while one of them is being started again; the mail is not the cause.
    Unauthenticated: Failure.UNAVAILABLE,
    Invalid: Failure.REFUSED,
    AlreadyExists: Failure.REFUSED,
    Denied: Failure.REFUSED,
    OpenSearchUnavailable: Failure.UNAVAILABLE,
    OpenSearchRefused: Failure.REFUSED,
    BlobError: Failure.UNAVAILABLE,
    BlobMissing: Failure.UNFORESEEN,
    BlobDamaged: Failure.UNFORESEEN,
    BlobTooLarge: Failure.REFUSED,
    BadBlobId: Failure.REFUSED,
    # The operator must put back the key of a secret; the mail is not the cause.
    SecretsError: Failure.UNAVAILABLE,
    # A full disk, too many open files, a connection that broke, a deadline.
    OSError: Failure.UNAVAILABLE,
    MemoryError: Failure.UNAVAILABLE,
}


def failure_of(error: BaseException) -> Failure:
    """The class of an error, from the table entry for its class or the nearest base class."""
    return next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), Failure.UNFORESEEN)


def deciding(errors: list[BaseException]) -> BaseException:
    """The error that decides when there are several: while one part is unavailable, the whole work is tried again."""
    order = (Failure.UNAVAILABLE, Failure.UNFORESEEN, Failure.REFUSED)
    return min(errors, key=lambda error: order.index(failure_of(error)))

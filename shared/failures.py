"""What an error means for the work that met it: one table for all workers.

What is unavailable is tried again for days. What is refused becomes a dead letter at once, for the same again would be
refused again. What nobody foresaw is tried a few times, since it may be either.
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


class Failure(Enum):
    """How the work goes on."""

    UNAVAILABLE = "unavailable"
    """Something that the work needs is away or has no room: try again, without end."""
    REFUSED = "refused"
    """A decision was taken: make it a dead letter."""
    UNFORESEEN = "unforeseen"
    """Perhaps a bug that meets every try, perhaps a passing fault: try some times, then make it a dead letter."""


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
    # The credentials of two processes differ while one of them is being started anew; no mail is to blame.
    Unauthenticated: Failure.UNAVAILABLE,
    Invalid: Failure.REFUSED,
    AlreadyExists: Failure.REFUSED,
    Denied: Failure.REFUSED,
    BlobError: Failure.UNAVAILABLE,
    BlobMissing: Failure.UNFORESEEN,
    BlobDamaged: Failure.UNFORESEEN,
    BlobTooLarge: Failure.REFUSED,
    BadBlobId: Failure.REFUSED,
    # A full disk, too many open files, a connection that broke, a deadline.
    OSError: Failure.UNAVAILABLE,
    MemoryError: Failure.UNAVAILABLE,
}


def failure_of(error: BaseException) -> Failure:
    """What the table says of an error, by its class or the nearest class above it."""
    return next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), Failure.UNFORESEEN)


def deciding(errors: list[BaseException]) -> BaseException:
    """The error that decides for a work with several: while one part is unavailable, the whole is tried again."""
    order = (Failure.UNAVAILABLE, Failure.UNFORESEEN, Failure.REFUSED)
    return min(errors, key=lambda error: order.index(failure_of(error)))

"""Deletes the blobs that no service needs any more.

A blob is deleted only when every owner has answered twice that it does not need it, and when its file is older than an
age, because a body is on stable storage before the event that refers to it. A body that is committed again meanwhile
has a new file, which `take_back` leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from mailfold.operator.blob_check import GENERATION, needed_blobs
from mailfold.operator.failure import CommandFailed
from mailfold.operator.session import Session
from shared.blobs.local import LocalBlobs
from shared.blobs.port import BlobRef

Progress = Callable[[str, int, int], None]
LEAST_AGE = 600
"""Seconds; a commit that is in doubt is settled before."""
_MOST_AT_ONCE = 100_000
"""Blobs that one run deletes, which bounds its memory."""


class BlobSweep(msgspec.Struct, frozen=True):
    """The result of a sweep; the octets are those of the files."""

    needed: int
    unneeded: int
    """Blobs that nobody needs and that are old enough."""
    octets: int
    deleted: int
    has_more: bool = False
    """Whether there are more, which the next run deletes."""


async def sweep_blobs(session: Session, progress: Progress, seconds: int, *, dry_run: bool) -> BlobSweep:
    """Delete the blobs that nobody needs and that are older than so many seconds.

    Raises CommandFailed, before anything is deleted, when a service cannot name the blobs that it needs.
    """
    blobs = LocalBlobs(session.places.blobs, GENERATION)
    try:
        generations = await blobs.generations()
        needed = await _needed(session, generations)
        unneeded = await _unneeded(blobs, generations, needed, time.time() - seconds)
        has_more, unneeded = len(unneeded) > _MOST_AT_ONCE, unneeded[:_MOST_AT_ONCE]
        octets = sum(ref.size for ref in unneeded)
        if dry_run:
            return BlobSweep(len(needed), len(unneeded), octets, 0, has_more)
        needed_still = await _needed(session, generations)
        deleted = await _delete(blobs, [ref for ref in unneeded if ref.id not in needed_still], progress)
        return BlobSweep(len(needed), len(unneeded), octets, deleted, has_more)
    finally:
        await blobs.close()


async def _needed(session: Session, generations: Sequence[str]) -> set[str]:
    needed, unknown = await needed_blobs(session, generations, mend=False)
    if unknown:
        raise CommandFailed(f"{', '.join(unknown)} cannot say which blobs are needed: `mailfold verify --mend` first")
    return needed


async def _unneeded(blobs: LocalBlobs, generations: Sequence[str], needed: set[str], moment: float) -> list[BlobRef]:
    unneeded: list[BlobRef] = []
    for generation in generations:
        async for ref in blobs.stored_before(generation, moment):
            if ref.id not in needed:
                unneeded.append(ref)
            if len(unneeded) > _MOST_AT_ONCE:
                return unneeded
    return unneeded


async def _delete(blobs: LocalBlobs, unneeded: Sequence[BlobRef], progress: Progress) -> int:
    deleted = 0
    for done, ref in enumerate(unneeded, 1):
        deleted += await blobs.take_back(ref)
        if done % 100 == 0 or done == len(unneeded):
            progress("blobs", done, len(unneeded))
    return deleted

"""Checks that every blob that a service needs exists and is whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import msgspec

from mailfold.layouts import OWNERS
from mailfold.operator.session import Session
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BadBlobId, BlobMissing
from shared.blobs.local import LocalBlobs
from shared.blobs.port import Damaged, Intact
from shared.grpc.errors import InternalError

Progress = Callable[[str, int, int], None]
GENERATION = "g0001"


class BlobVerdict(msgspec.Struct, frozen=True):
    """The result of a check. `quarantined` are damaged blobs that were moved to `blobs/quarantine`."""

    referenced: int
    unreferenced: int
    unknown: tuple[str, ...]
    """Services that could not name the blobs they need, because their rows are damaged."""
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    quarantined: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether no blob is missing or damaged."""
        return not self.missing and not self.damaged and not self.unknown


async def check_blobs(session: Session, progress: Progress, *, mend: bool) -> BlobVerdict:
    """Ask every owning service which blobs it needs, then read and hash all of them; other blobs are only counted."""
    blobs = LocalBlobs(session.places.blobs, GENERATION)
    generations = await blobs.generations()
    needed, unknown = await needed_blobs(session, generations, mend=mend)
    missing, damaged = await _verify_blobs(blobs, sorted(needed), progress)
    unreferenced = await _count_unreferenced(blobs, generations, needed)
    quarantined = tuple(damaged) if mend else ()
    for blob_id in quarantined:
        await blobs.quarantine(BlobId(blob_id))
    await blobs.close()
    return BlobVerdict(
        len(needed),
        unreferenced,
        tuple(unknown),
        tuple(missing),
        tuple(f"{blob_id}: {reason}" for blob_id, reason in damaged.items()),
        quarantined,
    )


async def needed_blobs(session: Session, generations: Sequence[str], *, mend: bool) -> tuple[set[str], list[str]]:
    """All blobs that services need, and the services that could not name theirs.

    The services are asked in the order of the flow of mail. So a blob that one service hands to the next meanwhile is
    named by the first or by the next.
    """
    needed: set[str] = set()
    unknown: list[str] = []
    for service in OWNERS:
        try:
            needed |= await _referenced_blobs(session, service, generations, mend=mend)
        except InternalError:
            unknown.append(service)
    return needed, unknown


async def _referenced_blobs(session: Session, service: str, generations: Sequence[str], *, mend: bool) -> set[str]:
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    stub = OwnerStub(await session.owner(service, whole=False, reads_only=not mend))
    referenced: set[str] = set()
    # Also without a folder: a lost folder is the first thing that this check must find.
    for generation in {GENERATION, *generations}:
        async for batch in stub.ReferencedBlobs(owner_pb2.ReferencedBlobsRequest(generation=generation)):
            referenced.update(batch.ids)
    return referenced


async def _verify_blobs(
    blobs: LocalBlobs, needed: Sequence[str], progress: Progress
) -> tuple[list[str], dict[str, str]]:
    missing: list[str] = []
    damaged: dict[str, str] = {}
    waiting, done = iter(needed), 0
    at_once = 2 * (os.cpu_count() or 1)
    while group := list(islice(waiting, at_once)):
        for blob, verdict in zip(
            group, await asyncio.gather(*(_verdict(blobs, blob_id) for blob_id in group)), strict=True
        ):
            if verdict is None:
                missing.append(blob)
            elif isinstance(verdict, Damaged):
                damaged[blob] = verdict.reason
        done += len(group)
        progress("blobs", done, len(needed))
    return missing, damaged


async def _verdict(blobs: LocalBlobs, blob: str) -> Intact | Damaged | None:
    try:
        return await blobs.verify(BlobId(blob))
    except (BlobMissing, BadBlobId):  # a damaged row may hold an invalid id
        return None


async def _count_unreferenced(blobs: LocalBlobs, generations: Iterable[str], needed: set[str]) -> int:
    return sum([1 for generation in generations async for blob in blobs.list(generation) if blob not in needed])

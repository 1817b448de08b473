"""Prints the results of `mailfold verify` for all services and for the blobs."""

from __future__ import annotations

from typing import Any

import msgspec

from mailfold.commands.printing import table
from mailfold.commands.progress import Progress
from mailfold.layouts import OWNERS
from mailfold.operator.blob_check import BlobVerdict, check_blobs
from mailfold.operator.owners import Verified
from mailfold.operator.owners import rebuild as rebuild_service
from mailfold.operator.owners import verify as verify_service
from mailfold.operator.session import Session


class Verification(msgspec.Struct, frozen=True):
    """The results of a verification."""

    services: tuple[Verified, ...]
    blobs: BlobVerdict

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.blobs.whole and not any(service.differences for service in self.services)


async def verify_all(session: Session, progress: Progress, *, mend: bool) -> Verification:
    """Verify every owning service, then the blobs that they need."""
    verdicts = [await verify_service(session, service, progress, mend=mend) for service in OWNERS]
    return Verification(tuple(verdicts), await check_blobs(session, progress, mend=mend))


async def rebuild_all(session: Session, services: list[str], progress: Progress) -> dict[str, int]:
    """Rebuild the services; returns the number of events of each."""
    return {service: await rebuild_service(session, service, progress) for service in services}


def print_verification(verification: Verification) -> None:
    """Print a table, and each difference below it."""
    rows: list[tuple[Any, ...]] = [
        (verdict.service, verdict.events, verdict.rows, verdict.different, verdict.mended)
        for verdict in verification.services
    ]
    table(("service", "events", "rows", "differences", "mended"), rows)
    for verdict in verification.services:
        for difference in verdict.differences:
            print(f"\n{verdict.service}.{difference.table} {difference.key}")
            print(f"  stored {difference.stored or '(missing)'}\n  events {difference.folded or '(none)'}")
    blobs = verification.blobs
    print(
        f"\nblobs: {blobs.referenced} needed, {len(blobs.missing)} missing, {len(blobs.damaged)} damaged, "
        f"{blobs.unreferenced} that nobody needs"
    )
    for line in [
        *(f"missing {difference}" for difference in blobs.missing),
        *(f"damaged {difference}" for difference in blobs.damaged),
    ]:
        print(f"  {line}")
    for service in blobs.unknown:
        print(f"  {service} could not name the blobs it needs; its rows must be corrected first")
    for blob in blobs.quarantined:
        print(f"  set aside {blob}")
    print(
        "\neverything is what its events say"
        if verification.equal
        else "\nsomething differs" + ("" if verification.blobs.quarantined else _advice(verification))
    )


def _advice(verification: Verification) -> str:
    return (
        "" if any(service.mended for service in verification.services) else "; `mailfold verify --mend` corrects rows"
    )

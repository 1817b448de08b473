"""`mailfold verify` and `mailfold rebuild`: the proof that every row is what its events say, and that every blob is
whole.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from mailfold.commands.options import DATA, Data, Json
from mailfold.commands.printing import as_json, table
from mailfold.commands.progress import Progress, shown_progress
from mailfold.layouts import OWNERS
from mailfold.operator.blob_check import BlobVerdict, check_blobs
from mailfold.operator.failure import CommandFailed
from mailfold.operator.owners import Verified
from mailfold.operator.owners import rebuild as rebuild_service
from mailfold.operator.owners import verify as verify_service
from mailfold.operator.session import Session, converse

Mend = Annotated[bool, typer.Option("--mend", help="Put rows right, and set damaged blobs aside in blobs/quarantine.")]


class _Found(msgspec.Struct, frozen=True):
    services: tuple[Verified, ...]
    blobs: BlobVerdict

    @property
    def equal(self) -> bool:
        return self.blobs.whole and not any(one.differences for one in self.services)


def verify(mend: Mend = False, data: Data = DATA, json: Json = False) -> None:
    """Fold every event again, compare every row, and read every blob. Exit code 1 when something differs. Works beside a
    running server, and on one that is stopped."""
    with shown_progress() as progress:
        found = converse(data, lambda session: _verify(session, progress, mend=mend))
    if json:
        as_json({"equal": found.equal, **msgspec.to_builtins(found)})
    else:
        _print(found)
    if not found.equal:
        raise typer.Exit(1)


def rebuild(
    services: Annotated[list[str] | None, typer.Argument(help="Services; none: all.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Empty the projections of services and fold their events into them anew."""
    wanted = services or list(OWNERS)
    unknown = [one for one in wanted if one not in OWNERS]
    if unknown:
        raise CommandFailed(f"{unknown[0]} owns no events; those who do are {', '.join(OWNERS)}", 2)
    with shown_progress() as progress:
        counts = converse(data, lambda session: _rebuild(session, wanted, progress))
    as_json(counts) if json else table(("service", "events"), list(counts.items()))


async def _verify(session: Session, progress: Progress, *, mend: bool) -> _Found:
    verdicts = [await verify_service(session, service, progress, mend=mend) for service in OWNERS]
    return _Found(tuple(verdicts), await check_blobs(session, progress, mend=mend))


async def _rebuild(session: Session, services: list[str], progress: Progress) -> dict[str, int]:
    return {service: await rebuild_service(session, service, progress) for service in services}


def _print(found: _Found) -> None:
    rows: list[tuple[Any, ...]] = [
        (one.service, one.events, one.rows, len(one.differences), one.mended) for one in found.services
    ]
    table(("service", "events", "rows", "differences", "mended"), rows)
    for verdict in found.services:
        for one in verdict.differences:
            print(
                f"\n{verdict.service}.{one.table} {one.key}\n  stored {one.stored or '(missing)'}\n  events  {one.folded or '(none)'}"
            )
    blobs = found.blobs
    print(
        f"\nblobs: {blobs.referenced} needed, {len(blobs.missing)} missing, {len(blobs.damaged)} damaged, {blobs.unreferenced} that nobody needs"
    )
    for line in [*(f"missing {one}" for one in blobs.missing), *(f"damaged {one}" for one in blobs.damaged)]:
        print(f"  {line}")
    for service in blobs.unknown:
        print(f"  {service} could not say which it needs; its rows must be put right first")
    for blob in blobs.quarantined:
        print(f"  set aside {blob}")
    print(
        "\neverything is what its events say"
        if found.equal
        else "\nsomething differs" + ("" if found.blobs.quarantined else _advice(found))
    )


def _advice(found: _Found) -> str:
    return "" if any(one.mended for one in found.services) else "; `mailfold verify --mend` puts rows right"

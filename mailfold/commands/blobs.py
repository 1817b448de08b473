"""`mailfold blobs …`: the stored bodies of messages."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Data, Group, Json, Option

app = Group("Blobs: the stored bodies of messages.")
_HOURS = "Leave files that are younger than so many hours."


@app.command()
def sweep(
    hours: Annotated[float, Option("--older-than", help=_HOURS)] = 24.0,
    dry_run: Annotated[bool, Option("--dry-run", help="Show how many there are, and delete nothing.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Delete the bodies that no service needs any more: of expunged mail after the undelete window, of erased accounts.

    Works with a running server and without. Nothing is deleted while a service cannot say what it needs.
    """
    import msgspec

    from mailfold.commands.printing import as_json, record
    from mailfold.commands.progress import shown_progress
    from mailfold.operator.blob_sweep import LEAST_AGE, sweep_blobs
    from mailfold.operator.failure import UNUSABLE, CommandFailed
    from mailfold.operator.session import converse

    seconds = round(hours * 3600)
    if seconds < LEAST_AGE:
        raise CommandFailed(
            f"--older-than is at least {LEAST_AGE / 3600:.2f} hours: younger mail may be on its way", UNUSABLE
        )
    with shown_progress() as progress:
        swept = converse(data, lambda session: sweep_blobs(session, progress, seconds, dry_run=dry_run))
    values = msgspec.to_builtins(swept)
    as_json(values) if json else record(values)

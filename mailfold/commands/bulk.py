"""`mailfold import …` and `mailfold export …`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.printing import as_json, record, table
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed

if TYPE_CHECKING:
    from mailfold.bulk.importing import ImportReport
    from mailfold.operator.session import Session

imports = Group("Many domains, users, accounts, aliases, lists and more from a file.")
exports = Group("Domains, users, accounts, aliases, lists and more as a file.")
_FIELDS = ("id", "begun_at", "ended_at", "objects", "refused")


@imports.command("directory")
def import_directory(
    file: Annotated[Path, Argument("JSON lines, or CSV (docs/bulk.md).", metavar="FILE")],
    dry_run: Annotated[bool, Option("--dry-run", help="Check everything, and change nothing.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Import a file. Lines with mistakes are shown and left out; exit code 1. Repeat it after an interruption."""
    from mailfold.bulk.importing import Importing
    from mailfold.bulk.lines import ImportFile
    from mailfold.commands.progress import shown_progress
    from mailfold.operator.session import converse

    read = ImportFile(file)
    with shown_progress() as progress:

        async def body(session: Session) -> ImportReport:
            return await Importing(await _stub(session), read, progress, trial=dry_run).run()

        report = converse(data, body)
    _show(report, dry_run=dry_run, json=json)
    if report.refused:
        raise SystemExit(REFUSED)


@imports.command("list")
def list_imports(data: Data = DATA, json: Json = False) -> None:
    """List the last imports; `mailfold revert --command ID` undoes one."""
    from mailfold.commands.directory import call, show_all

    listed = call(data, "ListImports", lambda pb: pb.ListImportsRequest(), contract="Bulk").imports
    show_all(listed, _FIELDS, json=json, empty="nothing was imported yet")


@exports.command("directory")
def export_directory(
    file: Annotated[Path | None, Argument("Where to write it; without it: standard output.", metavar="FILE")] = None,
    csv: Annotated[bool, Option("--csv", help="Write CSV.")] = False,
    data: Data = DATA,
    json: Annotated[bool, Option("--json", help="JSON lines, which is the default.")] = False,
) -> None:
    """Export everything that an import takes, without passwords."""
    from mailfold.operator.session import converse

    if json and csv:
        raise CommandFailed("give --json or --csv", UNUSABLE)

    async def body(session: Session) -> None:
        from mailfold.bulk.exporting import export
        from shared.rpc.mailfold.directory.v1.bulk_pb2 import ExportRequest

        pages = (await _stub(session, reads_only=True)).ExportDirectory(ExportRequest())
        if file is None:
            await export(pages, sys.stdout.buffer, csv=csv)
            return
        with file.open("xb") as out:
            await export(pages, out, csv=csv)

    converse(data, body)


async def _stub(session: Session, *, reads_only: bool = False) -> Any:
    from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub

    return BulkStub(await session.owner("directory", reads_only=reads_only))


def _show(report: ImportReport, *, dry_run: bool, json: bool) -> None:
    values = {name: value for name, value in report._asdict().items() if name != "mistakes"}
    values["dry_run"] = dry_run
    if json:
        as_json({**values, "mistakes": [{"line": line, "text": text} for line, text in report.mistakes]})
        return
    if report.mistakes:
        table(("line", "mistake"), report.mistakes)
    if report.refused > len(report.mistakes):
        print(f"… and {report.refused - len(report.mistakes)} more")
    record(values)

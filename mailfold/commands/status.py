"""`mailfold status`"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfold.arguments import DATA, Data, Json
from mailfold.commands.printing import as_json, table
from mailfold.operator.failure import REFUSED, UNUSABLE, not_running
from mailfold.texts import printable

if TYPE_CHECKING:
    from mailfold.operator.report import Listener, ServiceReport, Status


def status(data: Data = DATA, json: Json = False) -> None:
    """Show processes, listeners, counts and delays, and what is not well.

    Exit code 1: not ready, or something is not well; 2: not running.
    """
    import msgspec

    from mailfold.operator.report import status as ask
    from mailfold.operator.session import converse

    current = converse(data, ask)
    if json:
        as_json(msgspec.to_builtins(current))
    elif current.processes:
        print_status(current)
    if not current.processes:
        raise SystemExit(UNUSABLE) if json else not_running(data)
    if not current.well:
        raise SystemExit(REFUSED)


def print_status(report: Status) -> None:
    """Print the status for people."""
    print("ready" if report.ready else "not ready")
    print()
    table(
        ("process", "state", "pid", "restarts", "services"),
        [
            (service.name, service.state, service.pid, service.restarts, service.services)
            for service in report.processes
        ],
    )
    print()
    print_listeners(report)
    print()
    rows = [(service.name, _state(service), _pairs(service.counts), _pairs(service.lag)) for service in report.services]
    table(("service", "state", "counts", "behind"), rows)
    print_troubles(report)
    for warning in report.warnings:
        print(f"\n{warning}")
    if report.dead_letters:
        print(f"\n{report.dead_letters} dead letter(s): `mailfold deadletters list` shows them")


def print_listeners(report: Status) -> None:
    """Print where clients connect."""
    rows = [
        (
            row.protocol,
            row.address,
            row.port,
            row.tls,
            row.service,
            f"{row.connections} of {row.room}",
            _turned_away(row),
        )
        for row in report.listeners
    ]
    table(("protocol", "address", "port", "tls", "service", "connections", "turned away"), rows, "nothing listens")


def _turned_away(row: Listener) -> str:
    """The refused and closed connections since the start."""
    return f"{row.refused} refused, {row.displaced} closed for newer ones" if row.refused or row.displaced else ""


def print_troubles(report: Status) -> None:
    """Print what is not well, and what to do about it."""
    if report.troubles:
        print("\nnot well:")
    for trouble in report.troubles:
        print(printable(f"  {', '.join(trouble.where)}: {trouble.what}\n    {trouble.advice}", keep_lines=True))


def _state(report: ServiceReport) -> str:
    return report.state or ("not well" if report.troubles else "well")


def _pairs(values: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in dict(values).items())  # type: ignore[call-overload]

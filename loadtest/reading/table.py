"""Prints the times of reading for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from loadtest.figures import ReadingTime, Report


def show_reading(report: Report, console: Console) -> None:
    """Print a line for each operation: the first and the warm times of each server, and the ratio of the warm ones."""
    if report.reading:
        console.print(reading_table(report.reading))


def reading_table(times: list[ReadingTime]) -> Table:
    """The first server is the one that is compared with the second."""
    servers = list(dict.fromkeys(time.server for time in times))
    table = Table(title="Reading, ms", title_justify="left")
    table.add_column("")
    for server in servers:
        table.add_column(f"{server} first", justify="right")
        table.add_column("warm", justify="right")
    if len(servers) > 1:
        table.add_column(f"{servers[0]} / {servers[1]}", justify="right")
    for operation in dict.fromkeys(time.operation for time in times):
        row = [time for time in times if time.operation == operation]
        cells = [cell for time in row for cell in _cells(time)]
        table.add_row(operation, *cells, *([_ratio(row)] if len(servers) > 1 else []))
    return table


def _cells(time: ReadingTime) -> tuple[str, str]:
    return (time.refusal[:30], "") if time.refusal else (f"{time.first_ms:.1f}", f"{time.warm_ms:.1f}")


def _ratio(row: list[ReadingTime]) -> str:
    ours, other = row[:2]
    if ours.refusal or other.refusal or not other.warm_ms:
        return ""
    return f"{ours.warm_ms / other.warm_ms:.2f}"

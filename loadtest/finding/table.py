"""Prints the figures of finding for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from loadtest.figures import Report
from loadtest.finding.figures import Finding, IndexCost, IndexedDelivery, IndexMemory, IndexSize, SearchTime

_MB = 1_000_000


def show_finding(report: Report, console: Console) -> None:
    """Print the searches, and what the index costs."""
    if report.finding is not None:
        console.print(search_table(report.finding.searches))
        console.print(cost_table(report.finding))


def search_table(times: list[SearchTime]) -> Table:
    """A line for each search; an answer with another number of messages is marked."""
    servers = list(dict.fromkeys(time.server for time in times))
    has_cold = any(time.cold_ms is not None for time in times)
    table = Table(title="SEARCH, ms", title_justify="left")
    table.add_column("")
    table.add_column("mails", justify="right")
    for server in servers:
        for heading in (f"{server} first", "best", "median"):
            table.add_column(heading, justify="right")
    if has_cold:
        table.add_column(f"{servers[0]} cold", justify="right")
    for search in dict.fromkeys(time.search for time in times):
        row = [time for time in times if time.search == search]
        cells = [cell for time in row for cell in _cells(time)]
        table.add_row(search, str(row[0].expected), *cells, *([_optional(row[0].cold_ms)] if has_cold else []))
    return table


def _cells(time: SearchTime) -> tuple[str, str, str]:
    if time.refusal:
        return time.refusal[:30], "", ""
    wrong = "" if time.found == time.expected else f" ({time.found} of {time.expected})"
    return f"{time.first_ms:.1f}", f"{time.best_ms:.1f}", f"{time.warm_ms:.1f}{wrong}"


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def cost_table(finding: Finding) -> Table:
    """Lines of what was measured, each with its value."""
    table = Table(title="The text index", title_justify="left")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("of it")
    for cost in finding.costs:
        _add_cost(table, cost)
    for size in finding.sizes:
        _add_size(table, size)
    for memory in finding.memory:
        _add_memory(table, memory)
    for delivery in finding.deliveries:
        _add_delivery(table, delivery)
    return table


def _add_cost(table: Table, cost: IndexCost) -> None:
    table.add_row(
        f"{cost.server}: indexing, CPU ms a mail",
        f"{sum(cost.cpu_ms_per_mail.values()):.2f}",
        _parts({name: value for name, value in cost.cpu_ms_per_mail.items() if value >= 0.005}),
    )
    table.add_row(f"{cost.server}: indexing, mails a second", f"{cost.mails_per_second:.0f}", f"{cost.seconds:g} s")


def _add_size(table: Table, size: IndexSize) -> None:
    shares = {name: octets / max(1, size.compressed_octets) for name, octets in size.parts.items()}
    table.add_row(f"{size.server}: index / zstd of the texts", f"{sum(shares.values()):.2f}", _parts(shares))
    table.add_row(
        f"{size.server}: index, MB",
        f"{sum(size.parts.values()) / _MB:.1f}",
        f"of {size.mails} mails of {size.mail_octets / _MB:.1f} MB, texts {size.text_octets / _MB:.1f} MB,"
        f" compressed {size.compressed_octets / _MB:.1f} MB",
    )


def _add_memory(table: Table, measured: IndexMemory) -> None:
    parts = {name: octets / _MB for name, octets in measured.memory.items()}
    table.add_row(f"memory at rest, MB PSS, {measured.state}", f"{sum(parts.values()):.0f}", _parts(parts))


def _add_delivery(table: Table, delivery: IndexedDelivery) -> None:
    table.add_row(
        f"delivery at {delivery.rate:g}/s, index {delivery.engine}, ms p50 / p99",
        f"{delivery.p50_ms:.1f} / {delivery.p99_ms:.1f}",
        f"{delivery.seen} of {delivery.sent} seen; CPU ms a mail {sum(delivery.cpu_ms_per_mail.values()):.2f}",
    )


def _parts(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" if value < 10 else f"{name} {value:.0f}" for name, value in values.items())

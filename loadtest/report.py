"""The report as tables for people; the JSON is the same figures in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from loadtest.figures import Growth, Idle, ImapTiming, Inbound, Latency, Report, StepCost
from loadtest.measure.growth import FLAT

_MIB = 1024 * 1024


def show(report: Report, console: Console) -> None:
    """Prints every part that was measured."""
    console.print(f"{report.began}, {report.machine}; fsyncs counted by: {report.fsync_method or 'not measured'}", highlight=False)
    if report.idle:
        console.print(_idle(report.idle), highlight=False)
    if report.inbound:
        console.print(inbound_table(report.inbound))
    if report.latency:
        console.print(latency_table(report.latency))
    if report.imap:
        console.print(imap_table(report.imap))
    if report.growth:
        console.print(growth_table(report.growth))
    if report.steps:
        console.print(steps_table(report.steps))


def _idle(idle: Idle) -> str:
    parts = ", ".join(f"{name} {size / _MIB:.0f}" for name, size in idle.memory.items())
    return f"memory at rest, MiB PSS: {idle.memory_total / _MIB:.0f} ({parts})"


def inbound_table(runs: Sequence[Inbound]) -> Table:
    """One column for each run."""
    table = Table(title="Mail from outside", title_justify="left")
    table.add_column("")
    for run in runs:
        table.add_column(f"{run.connections} conn." + (" pipelining" if run.pipelining else ""), justify="right")
    for name, value in _INBOUND_ROWS:
        table.add_row(name, *(value(run) for run in runs))
    _add_costs(table, "CPU ms/message", [run.cpu_ms_per_message for run in runs])
    _add_costs(table, "… and until quiet", [run.settled_cpu_ms_per_message for run in runs])
    _add_costs(table, "fsyncs/message", [run.fsyncs_per_message for run in runs])
    _add_costs(table, "peak PSS MiB", [{name: size / _MIB for name, size in run.peak_memory.items()} for run in runs])
    return table


_INBOUND_ROWS: tuple[tuple[str, Callable[[Inbound], str]], ...] = (
    ("accepted/s", lambda run: f"{run.accepted_per_second:.1f}"),
    ("drained/s (visible in IMAP)", lambda run: f"{run.drained_per_second:.1f}" if run.drained_per_second else "not drained"),
    ("accepted of sent", lambda run: f"{run.accepted} of {run.messages}"),
    ("refused", lambda run: "; ".join(f"{count} x {reason}" for reason, count in run.refusals.items()) or "0"),
    ("missing / surplus", lambda run: f"{run.missing} / {run.surplus}"),
    ("accept ms p50 / p99", lambda run: f"{run.accept_ms.p50:.1f} / {run.accept_ms.p99:.1f}"),
    ("others' CPU, cores", lambda run: f"{run.others_cores:.2f}"),
    ("client CPU ms/message", lambda run: f"{run.client_cpu_ms_per_message:.2f}"),
)


def _add_costs(table: Table, title: str, columns: Sequence[dict[str, float]]) -> None:
    """A line for the sum, then one for each process."""
    table.add_section()
    table.add_row(title, *(_number(sum(column.values())) if column else "not measured" for column in columns))
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(f"  {name}", *(_number(column.get(name)) for column in columns), style="dim")


def latency_table(runs: Sequence[Latency]) -> Table:
    """One line for each way of seeing."""
    table = Table(title="From the final dot to EXISTS, ms", title_justify="left")
    for heading in ("seen by", "rate/s", "p50", "p99", "largest", "accept p50", "seen of sent", "refused"):
        table.add_column(heading, justify="right")
    for run in runs:
        figures = (run.arrival_ms.p50, run.arrival_ms.p99, run.arrival_ms.largest, run.accept_ms.p50)
        table.add_row(run.seen_by.upper(), f"{run.rate:g}", *map(_number, figures), f"{run.seen} of {run.sent}", str(run.refused))
    return table


def imap_table(timings: Sequence[ImapTiming]) -> Table:
    """One line for each operation."""
    table = Table(title=f"IMAP, {timings[0].mailbox_size} messages", title_justify="left")
    for heading in ("operation", "ms", "server CPU ms", "repeats"):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    for one in timings:
        table.add_row(one.operation, _number(one.wall_ms), _number(one.cpu_ms), str(one.repeats))
    return table


def growth_table(growth: Growth) -> Table:
    """CPU (or, without meters, wall) milliseconds by size, and the ratio of the largest size to the smallest."""
    table = Table(title="Work for one operation as the mailbox grows, server CPU ms (wall ms)", title_justify="left")
    table.add_column("operation")
    for size in growth.sizes:
        table.add_column(f"{size:,}", justify="right")
    table.add_column("ratio", justify="right")
    for name in dict.fromkeys(one.operation for one in growth.timings):
        found = {one.mailbox_size: one for one in growth.timings if one.operation == name}
        label = name if name in FLAT else f"{name} (curve)"
        table.add_row(label, *(_both(found[size]) for size in growth.sizes), _ratio([found[size] for size in growth.sizes]))
    return table


def steps_table(steps: Sequence[StepCost]) -> Table:
    """One line for each step, one column for each process, and the budget beside the sum."""
    table = Table(title="CPU ms of one message by step", title_justify="left")
    processes = list(dict.fromkeys(process for one in steps for process in one.cpu_ms))
    table.add_column("step")
    for heading in ("all", "budget", *processes):
        table.add_column(heading, justify="right")
    for one in steps:
        table.add_row(one.step, _number(sum(one.cpu_ms.values())), _number(one.budget_ms), *(_number(one.cpu_ms.get(process)) for process in processes))
    table.add_section()
    totals = [sum(one.cpu_ms.get(process, 0.0) for one in steps) for process in processes]
    table.add_row("sum", _number(sum(totals)), _number(sum(one.budget_ms or 0.0 for one in steps)), *map(_number, totals))
    return table


def ratios(growth: Growth) -> dict[str, float]:
    """Work at the largest size divided by work at the smallest, by operation."""
    by_name: dict[str, list[ImapTiming]] = {}
    for one in sorted(growth.timings, key=lambda one: one.mailbox_size):
        by_name.setdefault(one.operation, []).append(one)
    return {name: round(_work(timings[-1]) / max(0.001, _work(timings[0])), 2) for name, timings in by_name.items()}


def _work(timing: ImapTiming) -> float:
    return timing.wall_ms if timing.cpu_ms is None else timing.cpu_ms


def _ratio(timings: Iterable[ImapTiming]) -> str:
    ordered = list(timings)
    return f"{_work(ordered[-1]) / max(0.001, _work(ordered[0])):.2f}"


def _both(timing: ImapTiming) -> str:
    return f"{_number(timing.cpu_ms)} ({_number(timing.wall_ms)})"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

"""Prints the report as tables for people; the JSON has the same figures in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from loadtest.figures import Growth, Idle, ImapTiming, Inbound, Latency, Report, StepCost, Waits
from loadtest.measure.growth import ALLOWED, FLAT
from loadtest.meter.work import PASSED, STORED

_MIB = 1024 * 1024


def show(report: Report, console: Console) -> None:
    """Print every part that was measured."""
    console.print(
        f"{report.began}, {report.machine}; fsyncs counted by: {report.fsync_method or 'not measured'}", highlight=False
    )
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
        console.print(growth_verdict(report.growth), highlight=False)
    if report.steps:
        console.print(steps_table(report.steps))
    if report.waits:
        console.print(waits_table(report.waits))


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
    add_costs(table, "CPU ms/message", [run.cpu_ms_per_message for run in runs])
    add_costs(table, "… and until quiet", [run.settled_cpu_ms_per_message for run in runs])
    add_costs(table, "fsyncs/message", [run.fsyncs_per_message for run in runs])
    add_costs(table, "peak PSS MiB", [{name: size / _MIB for name, size in run.peak_memory.items()} for run in runs])
    return table


_INBOUND_ROWS: tuple[tuple[str, Callable[[Inbound], str]], ...] = (
    ("accepted/s", lambda run: f"{run.accepted_per_second:.1f}"),
    (
        "drained/s (visible in IMAP)",
        lambda run: f"{run.drained_per_second:.1f}" if run.drained_per_second else "not drained",
    ),
    ("accepted of sent", lambda run: f"{run.accepted} of {run.messages}"),
    ("refused", lambda run: "; ".join(f"{count} x {reason}" for reason, count in run.refusals.items()) or "0"),
    ("missing / surplus", lambda run: f"{run.missing} / {run.surplus}"),
    ("accept ms p50 / p99", lambda run: f"{run.accept_ms.p50:.1f} / {run.accept_ms.p99:.1f}"),
    ("others' CPU, cores", lambda run: f"{run.others_cores:.2f}"),
    ("client CPU ms/message", lambda run: f"{run.client_cpu_ms_per_message:.2f}"),
)


def add_costs(table: Table, title: str, columns: Sequence[dict[str, float]]) -> None:
    """Add a line for the sum, then one for each process."""
    table.add_section()
    table.add_row(title, *(_number(sum(column.values())) if column else "not measured" for column in columns))
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(f"  {name}", *(_number(column.get(name)) for column in columns), style="dim")


def latency_table(runs: Sequence[Latency]) -> Table:
    """A table with one line for each way of detection."""
    table = Table(title="From the final dot to EXISTS, ms", title_justify="left")
    for heading in ("seen by", "rate/s", "p50", "p99", "largest", "accept p50", "seen of sent", "refused"):
        table.add_column(heading, justify="right")
    for run in runs:
        figures = (run.arrival_ms.p50, run.arrival_ms.p99, run.arrival_ms.largest, run.accept_ms.p50)
        table.add_row(
            run.seen_by.upper(), f"{run.rate:g}", *map(_number, figures), f"{run.seen} of {run.sent}", str(run.refused)
        )
    return table


def imap_table(timings: Sequence[ImapTiming]) -> Table:
    """One line for each operation."""
    table = Table(title=f"IMAP, {timings[0].mailbox_size} messages", title_justify="left")
    for heading in ("operation", "ms", "server CPU ms", "repeats"):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    for timing in timings:
        table.add_row(timing.operation, _number(timing.wall_ms), _number(timing.cpu_ms), str(timing.repeats))
    return table


def growth_table(growth: Growth) -> Table:
    """A table with every measure of every operation by size, and the ratio of each size to the smallest."""
    table = Table(title="Work for one operation as the mailbox grows", title_justify="left")
    for heading in ("operation", "measure"):
        table.add_column(heading)
    for number, size in enumerate(growth.sizes):
        for heading in [f"{size:,}"] if not number else [f"{size:,}", "ratio"]:
            table.add_column(heading, justify="right")
    for name in dict.fromkeys(timing.operation for timing in growth.timings):
        label = name if name in FLAT else f"{name} (curve)"
        for number, (measure, values) in enumerate(measures(growth, name).items()):
            table.add_row("" if number else label, measure, *_with_ratios(measure, values))
        table.add_section()
    return table


def steps_table(steps: Sequence[StepCost]) -> Table:
    """A table with one line for each step, one column for each process, and the budget beside the sum."""
    table = Table(title="CPU ms of one message by step", title_justify="left")
    processes = list(dict.fromkeys(process for step in steps for process in step.cpu_ms))
    table.add_column("step")
    for heading in ("all", "budget", *processes):
        table.add_column(heading, justify="right")
    for step in steps:
        table.add_row(
            step.step,
            _number(sum(step.cpu_ms.values())),
            _number(step.budget_ms),
            *(_number(step.cpu_ms.get(process)) for process in processes),
        )
    table.add_section()
    totals = [sum(step.cpu_ms.get(process, 0.0) for step in steps) for process in processes]
    table.add_row(
        "sum", _number(sum(totals)), _number(sum(step.budget_ms or 0.0 for step in steps)), *map(_number, totals)
    )
    return table


def waits_table(measured: Sequence[Waits]) -> Table:
    """A table with one line for each command, and three columns for each kind of wait: ms p50, p99 and the longest."""
    table = Table(
        title=f"How long others waited, ms p50 / p99 / longest, {measured[0].mailbox_size} messages",
        title_justify="left",
    )
    names = list(measured[0].waits)
    table.add_column("while one session ran")
    for heading in ("took s", *names, "answer"):
        table.add_column(heading, justify="left" if heading == "answer" else "right")
    for line in measured:
        spreads = (line.waits[name] for name in names)
        cells = [" / ".join(map(_number, (waited.p50, waited.p99, waited.largest))) for waited in spreads]
        table.add_row(line.command, f"{line.seconds:.2f}", *cells, line.answer.partition(" completed")[0][:24])
    return table


def _with_ratios(measure: str, values: Sequence[float]) -> list[str]:
    cells = [_number(values[0])]
    for value in values[1:]:
        cells += [_number(value), f"{ratio(measure, values[0], value):.2f}"]
    return cells


def measures(growth: Growth, operation: str) -> dict[str, list[float]]:
    """The measures of an operation: for each measure a figure for each size, the smallest size first."""
    timings = sorted(
        (timing for timing in growth.timings if timing.operation == operation), key=lambda timing: timing.mailbox_size
    )
    values_by_name = {
        name: [value for timing in timings if (value := of(timing)) is not None] for name, of in _MEASURES
    }
    values_by_name |= {
        name: [timing.work[name] for timing in timings if name in timing.work] for name in (*STORED, *PASSED)
    }
    values_by_name["bytes"] = [
        sum(timing.work[way] for way in _WAYS) for timing in timings if timing.work.keys() >= set(_WAYS)
    ]
    return {name: values for name, values in values_by_name.items() if len(values) == len(timings)}


_MEASURES: tuple[tuple[str, Callable[[ImapTiming], float | None]], ...] = (
    ("CPU ms", lambda timing: timing.cpu_ms),
    ("CPU ms, least", lambda timing: timing.least_cpu_ms),
    ("wall ms", lambda timing: timing.wall_ms),
)
_WAYS = ("bytes_read", "bytes_written")
_SHOWN = {"wall ms", *_WAYS}
"""Measures that are shown but not judged, unless there are no others.

Time includes the work of others, and octets are judged by their sum, because those in one direction may be almost none.
"""


def ratio(measure: str, smallest: float, value: float) -> float:
    """The ratio of work.

    Less than a tenth of a statement, row, octet or call is ignored, because the server does so much by itself from time
    to time.
    """
    nothing = 0.1 if measure in (*STORED, *PASSED, "bytes") else 0.001
    return max(value, nothing) / max(smallest, nothing)


def grown(growth: Growth) -> dict[str, dict[str, float]]:
    """Operations that have grown although they must not: for each measure the largest ratio above ALLOWED."""
    ratios_by_operation = {
        name: _above(measures(growth, name))
        for name in dict.fromkeys(timing.operation for timing in growth.timings)
        if name in FLAT
    }
    return {name: above for name, above in ratios_by_operation.items() if above}


def _above(measured: dict[str, list[float]]) -> dict[str, float]:
    judged = {name: values for name, values in measured.items() if name not in _SHOWN} or measured
    largest = {name: max(ratio(name, values[0], value) for value in values) for name, values in judged.items()}
    return {name: round(value, 2) for name, value in largest.items() if round(value, 2) > ALLOWED}


def growth_verdict(growth: Growth) -> str:
    """A sentence that names the operations that have grown."""
    ratios_by_operation = grown(growth)
    if not ratios_by_operation:
        return f"nothing that must stay flat is above {ALLOWED:g}"
    parts = (
        f"{name} ({', '.join(f'{measure} {value:.2f}' for measure, value in above.items())})"
        for name, above in ratios_by_operation.items()
    )
    return f"above {ALLOWED:g}: " + "; ".join(parts)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

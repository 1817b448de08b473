"""Prints the figures of sending as a table for people."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from loadtest.figures import Cost, Report, Sending
from loadtest.report import add_costs
from loadtest.sending.peers import WITH_RSPAMD
from loadtest.sending.ratios import LEAST_RATE, MOST_CPU, disturbed, rate, reaches_goal, servers

_Rounds = Sequence[Sending]


def show_sending(report: Report, console: Console) -> None:
    """Print what was measured, the ratios, and what was skipped."""
    if report.sending:
        console.print(sending_table(report.sending))
    for ratio in report.sending_ratios:
        verdict = ""
        if ratio.beside == WITH_RSPAMD:
            goal = f"at least {LEAST_RATE:g} and at most {MOST_CPU:g}"
            verdict = f" (goal: {goal}: {'reached' if reaches_goal(ratio) else 'not reached'})"
        console.print(
            f"{ratio.server} beside {ratio.beside}: {ratio.arrived_per_second:.2f} x the mails per second, "
            f"{ratio.cpu:.2f} x the CPU{verdict}",
            highlight=False,
        )
    if disturbed(report.sending):
        console.print("other programs used the machine meanwhile: compare no figures of this run", highlight=False)
    for name, reason in report.skipped.items():
        console.print(f"{name} was skipped: {reason}", highlight=False)


def sending_table(rounds: Sequence[Sending]) -> Table:
    """One column for each server, with the medians of its rounds."""
    grouped = servers(rounds)
    table = Table(title="Mail to other servers, medians", title_justify="left")
    table.add_column("")
    for name in grouped:
        table.add_column(name, justify="right")
    for title, value in _ROWS:
        table.add_row(title, *(value(group) for group in grouped.values()))
    for title, cost in _COSTS:
        add_costs(table, title, [_medians(list(map(cost, group))) for group in grouped.values()])
    return table


def _medians(costs: Sequence[Cost]) -> Cost:
    names = dict.fromkeys(name for cost in costs for name in cost)
    return {name: statistics.median(cost.get(name, 0.0) for cost in costs) for name in names}


def _median(rounds: _Rounds, of: Callable[[Sending], float]) -> float:
    return statistics.median(of(measured) for measured in rounds)


_COSTS: tuple[tuple[str, Callable[[Sending], Cost]], ...] = (
    ("CPU ms/mail, until quiet", lambda measured: measured.cpu_ms_per_mail),
    ("fsyncs/mail", lambda measured: measured.fsyncs_per_mail),
)
_ROWS: tuple[tuple[str, Callable[[_Rounds], str]], ...] = (
    ("at the sink, mails/s", lambda rounds: f"{rate(rounds):.1f}"),
    ("  slowest and fastest round", lambda rounds: _extremes([measured.arrived_per_second for measured in rounds])),
    ("accepted, mails/s", lambda rounds: f"{_median(rounds, lambda measured: measured.accepted_per_second):.1f}"),
    ("accept ms p50", lambda rounds: f"{_median(rounds, lambda measured: measured.accept_ms.p50):.1f}"),
    ("accept ms p99", lambda rounds: f"{_median(rounds, lambda measured: measured.accept_ms.p99):.1f}"),
    ("DKIM signatures of a mail", lambda rounds: str(rounds[0].signatures)),
    ("rounds x mails", lambda rounds: f"{len(rounds)} x {rounds[0].mails}"),
    ("refused", lambda rounds: str(sum(sum(measured.refusals.values()) for measured in rounds))),
    (
        "others' CPU with the sink, cores",
        lambda rounds: f"{_median(rounds, lambda measured: measured.others_cores):.2f}",
    ),
)


def _extremes(values: Sequence[float]) -> str:
    return f"{min(values):.1f} / {max(values):.1f}"

"""Prints the cost of a script for people."""

from __future__ import annotations

from rich.console import Console

from loadtest.figures import Report, SieveCost

GOAL_MS = 1.0
"""The longest run that is accepted for 100 rules and 20 KB."""


def show_sieve(report: Report, console: Console) -> None:
    """Print the run, the parts around it, and Pigeonhole's runs."""
    if report.sieve is not None:
        for line in lines(report.sieve):
            console.print(line, highlight=False)


def lines(cost: SieveCost) -> list[str]:
    """The figures as sentences."""
    text = [
        f"{cost.rules} rules over a message of {cost.message_octets} octets, medians of {cost.rounds} rounds",
        f"  Mailfold: a run {cost.run_ms:.3f} ms (goal: under {GOAL_MS:g} ms), the scan of the message "
        f"{cost.scan_ms:.3f} ms, compiling once {cost.compile_ms:.1f} ms",
    ]
    if cost.other_run_ms is None or cost.other_further_run_ms is None:
        return text
    return [
        *text,
        f"  Pigeonhole: a run {cost.other_run_ms:.3f} ms ({cost.other_run_ms / cost.run_ms:.1f} x Mailfold's), a "
        f"further run in the same process {cost.other_further_run_ms:.3f} ms "
        f"({cost.other_further_run_ms / cost.run_ms:.1f} x)",
    ]

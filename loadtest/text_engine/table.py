"""Prints the figures of the text index for people."""

from __future__ import annotations

from rich.console import Console

from loadtest.figures import Report, TextEngineCost

GOAL_ADD_MS = 2.0
"""CPU time for a message of 8 KB."""
GOAL_SIZE = 3.3
"""Octets on disk for each octet of compressed text."""


def show_text_engine(report: Report, console: Console) -> None:
    """Print what a message costs, and the time of each question."""
    if report.text_engine is not None:
        for line in lines(report.text_engine):
            console.print(line, highlight=False)


def lines(cost: TextEngineCost) -> list[str]:
    """The figures as sentences."""
    text = [
        f"The embedded text index with {cost.messages} messages of {cost.mail_octets} octets",
        f"  to index a message takes {cost.add_ms:.2f} ms of CPU (goal: {GOAL_ADD_MS:g} ms for 8 KB)",
        f"  on disk {cost.index_octets / cost.compressed_octets:.2f} x the compressed text (goal: {GOAL_SIZE:g}), "
        f"{cost.index_octets / cost.text_octets:.2f} x the text",
    ]
    return text + [
        f"  {time.question}: {time.hits} hits, warm {time.warm_ms:.1f} ms, first {time.first_ms:.1f} ms; "
        f"a scan of the texts in memory {time.scan_ms:.1f} ms"
        for time in cost.times
    ]

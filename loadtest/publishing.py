"""Prints a report, and writes it as JSON if requested."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from loadtest.figures import Report
from loadtest.finding.table import show_finding
from loadtest.reading.table import show_reading
from loadtest.report import show
from loadtest.sending.tables import show_sending
from loadtest.sieve.table import show_sieve
from loadtest.text_engine.table import show_text_engine

_WIDTH = 160
"""Columns of a report that is written to a file."""


def publish(report: Report, path: str | None) -> None:
    """Print tables, and write all figures to the file at `path`; `-` is standard output, instead of tables."""
    encoded = msgspec.json.format(msgspec.json.encode(report), indent=2)
    if path == "-":
        sys.stdout.write(encoded.decode() + "\n")
        return
    if path:
        Path(path).write_bytes(encoded + b"\n")
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with contextlib.suppress(BrokenPipeError):
        show(report, console)
        show_sending(report, console)
        show_sieve(report, console)
        show_reading(report, console)
        show_text_engine(report, console)
        show_finding(report, console)

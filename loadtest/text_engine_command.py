"""`python -m loadtest text-engine`: what the text index costs, and how fast it answers."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadtest.bench import empty_report
from loadtest.content.profile import Profile
from loadtest.measure.bench import Meters
from loadtest.options import add_output, number
from loadtest.publishing import publish
from loadtest.watching import Progress

_ABOUT = """Index messages with the embedded engine, without a server, and ask for frequent and rare words, parts of
words and letters. The time of a scan is that of a plain search through the folded texts in memory.
"""


def add_to(commands: Any) -> None:
    """Add the subcommand `text-engine`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "text-engine",
        help="the text index: cost of a message, size on disk, time of questions",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(serve=run)
    group = parser.add_argument_group("text engine")
    for name, least, most, default, about in (
        ("messages", 100, 1_000_000, 10_000, "in the mailbox"),
        ("octets", 2000, 100_000, 8000, "of a message, half of them have more"),
        ("rounds", 1, 1000, 5, "of each question; figures are medians"),
    ):
        group.add_argument(
            f"--{name}", type=number(least, most), default=default, metavar="N", help=f"{about} (%(default)s)"
        )
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Measure; returns 0, or 1 when the measurement failed."""
    from loadtest.text_engine.measure import BATCH, measure
    from services.indexer.domain.engine import IndexUnavailable

    progress = Progress(silent=given.quiet)
    profile = dataclasses.replace(Profile(), median_size=given.octets, attachment_share=0.0)
    try:
        with (
            TemporaryDirectory(prefix="loadtest-text-engine-") as folder,
            progress.bar("batches", -(-given.messages // BATCH)) as step,
        ):
            cost = asyncio.run(measure(Path(folder), given.messages, profile, given.rounds, step))
    except (OSError, IndexUnavailable) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return 1
    report = empty_report(Meters())
    publish(type(report)(began=report.began, machine=report.machine, fsync_method=None, text_engine=cost), given.json)
    return 0

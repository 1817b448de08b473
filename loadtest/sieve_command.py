"""`python -m loadtest sieve`: what a script costs, beside Pigeonhole."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

from loadtest.bench import empty_report
from loadtest.measure.bench import Meters
from loadtest.options import add_output, number
from loadtest.publishing import publish
from loadtest.sieve.measure import measure
from loadtest.sieve.pigeonhole import is_installed
from loadtest.watching import Progress

_ABOUT = """Run a script of many rules, of which the last matches, over a message: in Mailfold's interpreter, and with
Pigeonhole's sieve-test, whose script is compiled too. sieve-test is a process for each run, so the time of a process
with a single rule is subtracted. Its further runs in the same process are the cost of the interpretation alone.
"""


def add_to(commands: Any) -> None:
    """Add the subcommand `sieve`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "sieve",
        help="a script of 100 rules over a message, beside Pigeonhole's sieve-test",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(serve=run)
    group = parser.add_argument_group("sieve")
    for name, least, most, default, about in (
        ("rules", 1, 5000, 100, "in the script"),
        ("octets", 2000, 10_000_000, 20_000, "of the message"),
        ("rounds", 1, 1000, 30, "of both interpreters; figures are medians"),
        ("runs", 1, 100_000, 200, "of Mailfold in a round"),
    ):
        group.add_argument(
            f"--{name}", type=number(least, most), default=default, metavar="N", help=f"{about} (%(default)s)"
        )
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Measure; returns 0, or 1 when the measurement failed."""
    progress = Progress(silent=given.quiet)
    try:
        with progress.bar("rounds", given.rounds) as step:
            cost = measure(given.rules, given.octets, given.rounds, given.runs, step)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return 1
    report = empty_report(Meters())
    report = type(report)(
        began=report.began,
        machine=report.machine,
        fsync_method=None,
        sieve=cost,
        skipped={} if is_installed() else {"Pigeonhole": "no sieve-test (apt install dovecot-sieve)"},
    )
    publish(report, given.json)
    return 0

"""`python -m loadtest finding`: searches in a large mailbox, and what the text index costs, beside Dovecot."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import msgspec
import uvloop

from loadtest.bench import empty_report
from loadtest.figures import Report
from loadtest.finding.measure import Plan, measure_finding
from loadtest.imap.session import ImapRefused
from loadtest.mailfold_command import CommandFailed
from loadtest.measure.bench import Meters
from loadtest.options import add_output, number
from loadtest.publishing import publish
from loadtest.watching import Progress

_ABOUT = """Fill a mailbox of a Mailfold that it starts, with mail whose words are as frequent as those of real mail
and with the text index off; then start it with the index on, and measure what indexing costs, how large the index is,
how long searches take, whether they find as many messages as were appended, and the memory at rest. A second Mailfold
without an index takes the same deliveries in turns with the first. With --peers the same mailbox of Dovecot without an
index is searched too, and a smaller one with Xapian, which finds the beginnings of words only. CPU is that of all
processes until they are quiet, less that of a start without an index.
"""
_FAILURES = (CommandFailed, ImapRefused, RuntimeError, OSError, TimeoutError)


def add_to(commands: Any) -> None:
    """Add the subcommand `finding`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "finding",
        help="searches in a large mailbox and the cost of the text index, beside Dovecot",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(serve=run)
    group = parser.add_argument_group("finding")
    group.add_argument("--peers", action="store_true", help="also measure Dovecot, without an index and with Xapian")
    group.add_argument(
        "--cold",
        action="store_true",
        help="also search after a restart without the page cache, which is dropped for the whole machine (root only)",
    )
    for name, least, most, default, about in (
        ("messages", 100, 1_000_000, 2_000, "in the mailbox"),
        ("size", 1000, 100_000, 8192, "octets of a message in the mean"),
        ("xapian-messages", 10, 1_000_000, 200, "in the mailbox of Dovecot with Xapian, which takes long"),
        ("rounds", 1, 100, 5, "of each search after the first"),
        ("rest", 0, 3600, 60, "quiet seconds before memory is read"),
        ("deliveries", 0, 100_000, 200, "mails of each round of deliveries, 0 for none"),
        ("delivery-rounds", 1, 100, 2, "of deliveries, with the index and without it in turns"),
        ("rate", 1, 1000, 20, "deliveries a second"),
        ("port-offset", 0, 44000, 10000, "added to Mailfold's ports; the second one adds 20000 more"),
    ):
        group.add_argument(
            f"--{name}", type=number(least, most), default=default, metavar="N", help=f"{about} (%(default)s)"
        )
    group.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other mail (%(default)s)")
    group.add_argument("--keep", action="store_true", help="keep Mailfold's data folder")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Measure; returns 0, 1 when the measurement failed, or 3 when a search of Mailfold found other messages."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(_measure(given))
    except KeyboardInterrupt:
        return 130
    except _FAILURES as error:
        print(f"loadtest: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    publish(report, given.json)
    return _verdict(report)


async def _measure(given: argparse.Namespace) -> Report:
    """A report of all servers, or of what is missing."""
    plan = Plan(
        messages=given.messages,
        size=given.size,
        seed=given.seed,
        rounds=given.rounds,
        rest=float(given.rest),
        deliveries=given.deliveries,
        delivery_rounds=given.delivery_rounds,
        rate=float(given.rate),
        offset=given.port_offset,
        has_peers=given.peers,
        xapian_messages=given.xapian_messages,
        has_cold=given.cold,
        keep=given.keep,
    )
    report = empty_report(Meters())
    finding, skipped = await measure_finding(plan, Progress(silent=given.quiet))
    return msgspec.structs.replace(report, finding=finding, skipped=skipped)


def _verdict(report: Report) -> int:
    """3 when an answer of Mailfold, the first server, is wrong."""
    searches = report.finding.searches if report.finding else []
    wrong = [time for time in searches if time.server == searches[0].server and time.found != time.expected]
    for time in wrong:
        print(f"loadtest: {time.search}: {time.found} found, {time.expected} expected {time.refusal}", file=sys.stderr)
    return 3 if wrong else 0

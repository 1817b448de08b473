"""`python -m loadtest`: the subcommands."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import uvloop

from loadtest import (
    finding_command,
    reading_command,
    sending_command,
    sieve_command,
    subcommands,
    text_engine_command,
    zone_command,
)
from loadtest.bench import Bench, Options, bench
from loadtest.figures import Report
from loadtest.imap.session import ImapRefused
from loadtest.mailfold_command import CommandFailed
from loadtest.measure.growth import SIZES
from loadtest.options import add_mail, add_output, add_server, number, options
from loadtest.publishing import publish
from loadtest.smtp.session import Refused

Measure = Callable[[Bench, argparse.Namespace], Awaitable[dict[str, Any]]]
_FAILURES = (CommandFailed, ImapRefused, Refused, RuntimeError, OSError, TimeoutError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, 1 when the measurement failed, or 2 for wrong options."""
    parser = build_parser()
    given = parser.parse_args(argv)
    if given.serve:
        return int(given.serve(given))
    try:
        chosen = options(given)
    except ValueError as error:
        parser.error(str(error))
    return _run_measurement(chosen, given)


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their options."""
    parser = argparse.ArgumentParser(
        "loadtest", description="Make mail, send it, watch it arrive, and count what it costs the server."
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_inbound(
        _add(commands, "inbound", "mail from outside: accepted/s, drained/s, CPU, memory, fsyncs", subcommands.inbound)
    )
    _add_latency(_add(commands, "latency", "from the final dot to EXISTS, at a fixed rate", subcommands.latency))
    _add_imap(_add(commands, "imap", "IMAP operations on a large mailbox", subcommands.imap))
    _add_growth(_add(commands, "growth", "the work for one mail in ever larger mailboxes", subcommands.growth))
    _add_steps(_add(commands, "steps", "CPU of one mail by step, beside the budget", subcommands.steps))
    _add_waits(
        _add(
            commands,
            "waits",
            "how long others wait while one session runs commands whose work grows",
            subcommands.waits,
        )
    )
    _add_seed(_add(commands, "seed", "fill a mailbox over IMAP", subcommands.fill))
    _add_run(_add(commands, "run", "inbound, latency and imap together", subcommands.everything))
    sending_command.add_to(commands)
    sieve_command.add_to(commands)
    text_engine_command.add_to(commands)
    reading_command.add_to(commands)
    finding_command.add_to(commands)
    zone_command.add_to(commands)
    return parser


def _add(commands: Any, name: str, about: str, measure: Measure) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about[0].upper() + about[1:], formatter_class=formatter
    )
    parser.set_defaults(measure=measure, serve=None)
    add_server(parser)
    add_mail(parser)
    add_output(parser)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    for add in (_add_inbound, _add_latency, _add_imap, _add_growth):
        add(parser)
    parser.add_argument("--growth", action="store_true", help="also measure growth (takes long)")


def _add_inbound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("inbound")
    group.add_argument(
        "--messages", type=number(1, 1_000_000), default=1000, metavar="N", help="in each run (%(default)s)"
    )
    group.add_argument(
        "--connections",
        type=number(1, 500),
        nargs="+",
        default=[1, 10, 50],
        metavar="N",
        help="a run for each (1 10 50)",
    )
    group.add_argument(
        "--per-connection",
        type=number(1, 10_000),
        default=10,
        metavar="N",
        help="messages before reconnecting (%(default)s)",
    )
    group.add_argument(
        "--no-pipelining", dest="pipelining", action="store_false", help="leave out the run with pipelining"
    )
    group.add_argument(
        "--warm-up",
        type=number(0, 10_000),
        default=100,
        metavar="N",
        help="messages before the first run (%(default)s)",
    )


def _add_latency(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("latency")
    group.add_argument("--rate", type=float, default=20.0, metavar="R", help="messages a second (%(default)s)")
    group.add_argument(
        "--latency-messages", type=number(1, 100_000), default=600, metavar="N", help="in each run (%(default)s)"
    )
    group.add_argument(
        "--by",
        nargs="+",
        choices=("noop", "idle"),
        default=["noop", "idle"],
        help="how arrival is detected (noop idle)",
    )


def _add_imap(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("imap")
    group.add_argument(
        "--mailbox-size", type=number(1000, 1_000_000), default=10_000, metavar="N", help="messages in it (%(default)s)"
    )


def _add_growth(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("growth")
    group.add_argument(
        "--sizes", type=number(1, 10_000_000), nargs="+", default=list(SIZES), metavar="N", help="(100 10000 100000)"
    )


def _add_steps(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("steps")
    group.add_argument(
        "--messages", type=number(1, 1_000_000), default=1000, metavar="N", help="in each of two runs (%(default)s)"
    )
    group.add_argument(
        "--warm-up",
        type=number(0, 10_000),
        default=100,
        metavar="N",
        help="messages before the first run (%(default)s)",
    )
    parser.set_defaults(per_connection=10)


def _add_waits(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Three other sessions run meanwhile: one sends NOOP every 10 ms, one sends STORE every 50 ms, and one of the\n"
        "same account sends NOOP. Mail arrives for the other users. For each command the report shows how long those\n"
        "operations took that overlap it in time (ms p50, p99, longest). The first line is without any command."
    )
    group = parser.add_argument_group("waits")
    group.add_argument(
        "--mailbox-size", type=number(1000, 100_000), default=100_000, metavar="N", help="messages in it (%(default)s)"
    )
    group.add_argument("--rate", type=float, default=10.0, metavar="R", help="mails a second (%(default)s)")


def _add_seed(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("seed")
    group.add_argument("--user", type=number(0, 999), default=0, metavar="N", help="whose mailbox (%(default)s)")
    group.add_argument("--mailbox", default="INBOX", help="its name (%(default)s)")
    group.add_argument("--count", type=number(1, 10_000_000), default=1000, metavar="N", help="messages (%(default)s)")
    group.add_argument(
        "--size", type=number(200, 1_000_000), default=2048, metavar="N", help="median size in bytes (%(default)s)"
    )
    group.add_argument("--connections", type=number(1, 50), default=2, metavar="N", help="at once (%(default)s)")


def _run_measurement(chosen: Options, given: argparse.Namespace) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(_measure(chosen, given))
    except KeyboardInterrupt:
        return 130
    except _FAILURES as error:
        print(f"loadtest: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if given.measure is not subcommands.fill:
        publish(report, given.json)
    return 0


async def _measure(chosen: Options, given: argparse.Namespace) -> Report:
    async with bench(chosen) as ready:
        report = ready.empty_report()
        return msgspec.structs.replace(report, **await given.measure(ready, given))

"""`python -m loadtest sending`: mail to other servers, beside Postfix with and without Rspamd."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import msgspec
import uvloop

from loadtest.bench import empty_report
from loadtest.figures import Report, Sending
from loadtest.mailfold_command import CommandFailed
from loadtest.measure.bench import Meters
from loadtest.meter.fsyncs import method
from loadtest.options import add_output, number
from loadtest.publishing import publish
from loadtest.sending import mailfold, peers, sink
from loadtest.sending.measure import SINK_HOST, Submissions, check_signatures, measure_sending
from loadtest.sending.ratios import ratios
from loadtest.sending.server import MeasuredServer
from loadtest.smtp.driver import Shape
from loadtest.watching import Progress

_ABOUT = """Submit mail to a Mailfold that it starts, which signs the mail and sends it to Postfix's smtp-sink on this
machine. Measured are the mails per second from the first submission to the last arrival at the sink, and the CPU of all
server processes until they are quiet again. With --peers the same is measured with Postfix, and with Postfix whose mail
Rspamd signs. All servers run at once; rounds alternate among them, so that a change of the machine's speed meets all.
"""
_DOMAIN = "bench.test"
_FAILURES = (CommandFailed, RuntimeError, OSError, TimeoutError)


def add_to(commands: Any) -> None:
    """Add the subcommand `sending`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "sending",
        help="mail to other servers: mails/s from submission to a sink, CPU",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(serve=run)
    _add_options(parser)
    add_output(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sending")
    group.add_argument("--peers", action="store_true", help="also measure Postfix, and Postfix with Rspamd")
    for name, least, most, default, about in (
        ("mails", 1, 1_000_000, 2000, "in each round"),
        ("rounds", 1, 100, 3, "of each server; figures are medians"),
        ("size", 500, 10_000_000, 8192, "octets of a mail"),
        ("connections", 1, 500, 10, "over which mail is submitted"),
        ("per-connection", 1, 1_000_000, 1000, "mails before reconnecting"),
        ("warm-up", 1, 10_000, 200, "mails before the first round"),
        ("port-offset", 0, 64000, 10000, "added to Mailfold's ports"),
    ):
        group.add_argument(
            f"--{name}", type=number(least, most), default=default, metavar="N", help=f"{about} (%(default)s)"
        )
    group.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other mail (%(default)s)")
    group.add_argument("--keep", action="store_true", help="keep Mailfold's data folder")


def run(given: argparse.Namespace) -> int:
    """Measure; returns 0, or 1 when the measurement failed."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(_measure(given))
    except KeyboardInterrupt:
        return 130
    except _FAILURES as error:
        print(f"loadtest: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    publish(report, given.json)
    return 0


async def _measure(given: argparse.Namespace) -> Report:
    """A report of all servers, or of what is missing."""
    report = empty_report(Meters(fsync_method=method()))
    if reason := sink.reason_missing():
        return msgspec.structs.replace(report, skipped={"sending": reason})
    rounds = await _all_rounds(given)
    return msgspec.structs.replace(
        report,
        sending=rounds,
        sending_ratios=ratios(rounds, mailfold.NAME),
        skipped=peers.missing() if given.peers else {},
    )


async def _all_rounds(given: argparse.Namespace) -> list[Sending]:
    progress = Progress(silent=given.quiet)
    port, submissions = sink.sink_port(SINK_HOST), Submissions(given.seed, given.size)
    async with contextlib.AsyncExitStack() as stack:
        servers = await _started(stack, given, port, progress)
        for server in servers:
            progress.say(f"{server.name}: looking at the signatures of one mail")
            await check_signatures(server, port, submissions)
        counting = await stack.enter_async_context(sink.counting(SINK_HOST, port))
        shape = Shape(given.connections, given.per_connection)
        for server in servers:
            await measure_sending(server, counting, submissions, given.warm_up, shape, progress)
        return [
            await measure_sending(server, counting, submissions, given.mails, shape, progress)
            for _ in range(given.rounds)
            for server in servers
        ]


async def _started(
    stack: contextlib.AsyncExitStack, given: argparse.Namespace, port: int, progress: Progress
) -> list[MeasuredServer]:
    progress.say("starting Mailfold")
    ours, resolver = await stack.enter_async_context(
        mailfold.mailfold(_DOMAIN, port, given.port_offset, progress, keep=given.keep)
    )
    if not given.peers:
        return [ours]
    relay = f"[{SINK_HOST}]:{port}"
    return [ours, *await peers.start(stack, _DOMAIN, relay, resolver, progress)]

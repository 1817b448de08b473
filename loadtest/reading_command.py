"""`python -m loadtest reading`: operations on a large mailbox, beside Dovecot."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from loadtest.bench import empty_report
from loadtest.content.filler import filler_profile
from loadtest.content.profile import Profile
from loadtest.figures import Report
from loadtest.imap.session import ImapRefused
from loadtest.mailfold_command import CommandFailed
from loadtest.measure.bench import Meters
from loadtest.options import add_output, number
from loadtest.publishing import publish
from loadtest.reading import dovecot
from loadtest.reading.maildrop import MESSAGES
from loadtest.reading.measure import ReadServer, fill, measure_reading
from loadtest.reading.operations import operations
from loadtest.started_server import StartedServer, add_users
from loadtest.target import Target
from loadtest.watching import Progress

_ABOUT = """Fill a mailbox of a Mailfold that it starts, and time what mail clients do with it: listings, bodies,
searches, sorting, threads, flags, copies, reconnects, appends, and POP3, over TLS. With --peers the same mailbox of
Dovecot (sdbox) is measured in turns with Mailfold's. The first time is the first that anybody asks; the others are
medians. After the first listing both rest, because Mailfold then prepares its pages in the background.
"""
_FAILURES = (CommandFailed, ImapRefused, RuntimeError, OSError, TimeoutError)
_MORE = 5
_POP3 = {"MAILFOLD_POP3_LISTEN": "true", "MAILFOLD_DIRECTORY_POP3": "true"}


def add_to(commands: Any) -> None:
    """Add the subcommand `reading`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "reading",
        help="what mail clients do with a large mailbox, beside Dovecot",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(serve=run)
    group = parser.add_argument_group("reading")
    group.add_argument("--peers", action="store_true", help="also measure Dovecot")
    for name, least, most, default, about in (
        ("messages", 10, 1_000_000, 10_000, "in the mailbox"),
        ("rounds", 1, 100, 5, "of each operation after the first; figures are medians"),
        ("size", 500, 1_000_000, 4096, "octets of a message in the median"),
        ("rest", 0, 3600, 30, "seconds after the first listing"),
        ("port-offset", 0, 64000, 10000, "added to Mailfold's ports"),
    ):
        group.add_argument(
            f"--{name}", type=number(least, most), default=default, metavar="N", help=f"{about} (%(default)s)"
        )
    group.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other mail (%(default)s)")
    group.add_argument("--keep", action="store_true", help="keep Mailfold's data folder")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Measure; returns 0, or 1 when the measurement failed."""
    try:
        report = asyncio.run(_measure(given))
    except KeyboardInterrupt:
        return 130
    except _FAILURES as error:
        print(f"loadtest: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    publish(report, given.json)
    return 0


async def _measure(given: argparse.Namespace) -> Report:
    """A report of the servers, or of what is missing."""
    progress = Progress(silent=given.quiet)
    missing = dovecot.reason_missing() if given.peers else None
    async with contextlib.AsyncExitStack() as stack:
        servers = [await _mailfold(stack, given, progress)]
        if given.peers and missing is None:
            peer = await stack.enter_async_context(dovecot.dovecot())
            servers.append(ReadServer(dovecot.NAME, peer.port, dovecot.USER, dovecot.PASSWORD, peer.pop3_port))
        times = await asyncio.to_thread(_filled_and_measured, servers, given, progress)
    skipped = {dovecot.NAME: missing} if missing else {}
    return msgspec.structs.replace(empty_report(Meters()), reading=times, skipped=skipped)


def _filled_and_measured(servers: Sequence[ReadServer], given: argparse.Namespace, progress: Progress) -> Any:
    profile = filler_profile(Profile(seed=given.seed), given.size)
    for server in servers:
        with progress.bar(f"filling {server.name}", given.messages + min(MESSAGES, given.messages)) as step:
            fill(server, given.messages, profile, step)
    with progress.bar("operations", len(operations(given.messages)) + _MORE) as step:
        return measure_reading(servers, given.messages, given.rounds, profile, step, rest=given.rest)


async def _mailfold(stack: contextlib.AsyncExitStack, given: argparse.Namespace, progress: Progress) -> ReadServer:
    target = Target(imap_port=993 + given.port_offset, users=1)
    started = await stack.enter_async_context(StartedServer(target, given.port_offset, keep=given.keep, settings=_POP3))
    with progress.bar("users", target.users) as step:
        await add_users(target, started.data / "data", step)
    return ReadServer("Mailfold", target.imap_port, target.login(0), target.password, 995 + given.port_offset)

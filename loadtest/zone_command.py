"""`python -m loadtest zone`: the zone server from the command line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

from loadtest.zone.answers import Faults
from loadtest.zone.load_zone import load_zone
from loadtest.zone_server import ZoneServer, serve

_ABOUT = "Serve the DNS zone of the load's senders until interrupted; every other name is NXDOMAIN."


def add_to(commands: Any) -> None:
    """Add the subcommand `zone`."""
    parser = commands.add_parser("zone", help="the DNS server that answers for the load's senders", description=_ABOUT)
    parser.set_defaults(serve=run)
    _add_options(parser)


def run(given: argparse.Namespace) -> int:
    """Serve the zone until interrupted."""
    zone = load_zone(given.domain, given.permit)
    server = ZoneServer(zone, given.host, given.port, _faults(given), authentic=given.authentic)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(server))
    except OSError as error:
        print(f"zone_server: {server.address}: {error}", file=sys.stderr)
        return 1
    return 0


def _faults(given: argparse.Namespace) -> Faults:
    return Faults(_suffixes(given.silent), _suffixes(given.failing), given.delay)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=int,
        default=10053,
        metavar="N",
        help="UDP and TCP; 0 takes a free one and prints it (%(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--domain", default="bench.test", help="domain of the recipients (%(default)s)")
    parser.add_argument(
        "--permit",
        action="append",
        default=[],
        metavar="NET",
        help="may send for all senders, as 127.0.0.0/8 may; repeatable",
    )
    parser.add_argument(
        "--silent",
        action="append",
        default=[],
        metavar="NAME",
        help="gets no answer at all ('.': every name); repeatable",
    )
    parser.add_argument(
        "--failing", action="append", default=[], metavar="NAME", help="gets SERVFAIL ('.': every name); repeatable"
    )
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="S", help="seconds before every answer (%(default)s)"
    )
    parser.add_argument(
        "--authentic", action="store_true", help="set AD in every answer, as a validating resolver does"
    )


def _suffixes(names: list[str]) -> frozenset[str]:
    return frozenset(name.strip(".").lower() for name in names)

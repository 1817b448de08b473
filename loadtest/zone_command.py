"""`python -m loadtest zone` and `python -m loadtest.zone_server`: the zone server from the command line."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

import typer

from loadtest.zone.answers import Faults
from loadtest.zone.load_zone import load_zone
from loadtest.zone_server import ZoneServer, serve


def zone(
    port: Annotated[int, typer.Option(help="UDP and TCP port; 0 takes a free one and prints it", min=0, max=65535)] = 10053,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    domain: Annotated[str, typer.Option(help="Domain of the recipients")] = "bench.test",
    permit: Annotated[list[str] | None, typer.Option(help="Network that may send for all senders, besides 127.0.0.0/8; repeatable")] = None,
    silent: Annotated[list[str] | None, typer.Option(help="Domain that gets no answer at all ('.' for every name); repeatable")] = None,
    failing: Annotated[list[str] | None, typer.Option(help="Domain that gets SERVFAIL ('.' for every name); repeatable")] = None,
    delay: Annotated[float, typer.Option(help="Seconds before every answer", min=0, max=60)] = 0.0,
    authentic: Annotated[bool, typer.Option(help="Set AD in every answer, as a validating resolver does")] = False,
) -> None:
    """Serve the DNS zone of the load's senders until interrupted."""
    faults = Faults(_suffixes(silent), _suffixes(failing), delay)
    server = ZoneServer(load_zone(domain, permit or ()), host, port, faults, authentic=authentic)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(server))


def _suffixes(names: list[str] | None) -> frozenset[str]:
    return frozenset(name.strip(".").lower() for name in names or ())


def main() -> None:
    """The command alone, without the rest of the load test."""
    typer.run(zone)

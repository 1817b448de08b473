"""Mailfold as it is shipped, with the settings that let it send to a sink on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from loadtest import mailfold_command
from loadtest.measure.bench import Meters
from loadtest.meter.fsyncs import method
from loadtest.sending.server import MeasuredServer
from loadtest.started_server import StartedServer, add_users
from loadtest.target import Target
from loadtest.watching import Progress

NAME = "Mailfold"
_SUBMISSION = 587
_LIMITS = ("MAILS_AN_HOUR", "MAILS_A_DAY", "RECIPIENTS_AN_HOUR", "RECIPIENTS_A_DAY", "NEW_RECIPIENTS_A_DAY")
_SIGNATURES = 2


def settings(sink_port: int) -> dict[str, str]:
    """What differs from the defaults: the sink's network and port, and no limits for the account that sends."""
    return {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(sink_port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
        **{f"MAILFOLD_OUTBOUND_{limit}": "0" for limit in _LIMITS},
    }


@contextlib.asynccontextmanager
async def mailfold(
    domain: str, sink_port: int, offset: int, progress: Progress, *, keep: bool = False
) -> AsyncIterator[tuple[MeasuredServer, str]]:
    """A running Mailfold with one user, and the address of the name server that it asks.

    Raises CommandFailed, RuntimeError.
    """
    target = Target(
        smtp_port=_SUBMISSION + offset,
        imap_port=993 + offset,
        starttls=True,
        smtp_login=True,
        domain=domain,
        users=1,
    )
    async with StartedServer(target, offset, keep=keep, settings=settings(sink_port)) as server:
        data = server.data / "data"
        with progress.bar("users", target.users) as step:
            await add_users(target, data, step)
        processes = mailfold_command.processes(await mailfold_command.status(data), server.pid)
        yield MeasuredServer(NAME, target, Meters(processes, method(), data), _SIGNATURES), server.resolver

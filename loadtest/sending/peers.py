"""The servers beside which Mailfold is measured; each needs programs, and is skipped where they are missing."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from loadtest.meter.server_processes import ServerProcesses
from loadtest.sending import postfix as postfix_part
from loadtest.sending import rspamd as rspamd_part
from loadtest.sending.server import MeasuredServer
from loadtest.watching import Progress

BARE = postfix_part.NAME
WITH_RSPAMD = f"{BARE} with Rspamd"


def missing() -> dict[str, str]:
    """The peers that cannot be started, with the reason."""
    no_postfix, no_rspamd = postfix_part.reason_missing(), rspamd_part.reason_missing()
    reasons = {BARE: no_postfix, WITH_RSPAMD: no_postfix or no_rspamd}
    return {name: reason for name, reason in reasons.items() if reason}


async def start(
    stack: contextlib.AsyncExitStack, domain: str, relay: str, resolver: str, progress: Progress
) -> list[MeasuredServer]:
    """Start those that can be started; the stack stops them. Raises RuntimeError, OSError, TimeoutError."""
    absent, started = missing(), []
    if BARE not in absent:
        progress.say("starting Postfix")
        started.append(await stack.enter_async_context(postfix_part.postfix(domain, relay)))
    if WITH_RSPAMD not in absent:
        progress.say("starting Postfix with Rspamd (its patterns are compiled first, which takes a minute)")
        filtering = await stack.enter_async_context(rspamd_part.rspamd(domain, resolver))
        server = await stack.enter_async_context(postfix_part.postfix(domain, relay, filtering.socket))
        started.append(_with(server, filtering))
    return started


def _with(server: MeasuredServer, filtering: rspamd_part.Rspamd) -> MeasuredServer:
    """Postfix whose figures include those of Rspamd and its Redis."""
    processes = server.meters.server
    assert processes is not None
    names = {**processes.names, **filtering.pids}
    meters = replace(server.meters, server=ServerProcesses(names))
    return MeasuredServer(WITH_RSPAMD, server.target, meters, signatures=1)

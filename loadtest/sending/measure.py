"""Measures one server: the time from the first submission to the last arrival at the sink, and its CPU until then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from loadtest.content.mail import Mail
from loadtest.content.outgoing import outgoing
from loadtest.content.senders import sender_domain
from loadtest.figures import Sending, spread
from loadtest.measure.bench import per_message
from loadtest.meter.fsyncs import fsyncs_of
from loadtest.meter.machine import Others
from loadtest.sending.server import MeasuredServer
from loadtest.sending.sink import Sink, keeping
from loadtest.smtp.driver import Shape, send_all
from loadtest.smtp.rendered_mail import render
from loadtest.watching import Progress

ELSEWHERE = sender_domain(0)
"""The domain that all mail goes to."""
SINK_HOST = "127.0.0.2"
"""The address of that domain's mail server in the load test's zone."""
_SEND_LIMIT = 600.0
_ARRIVE_LIMIT = 300.0
_KEPT_LIMIT = 60.0
_LOOK = 0.5


class Submissions:
    """An endless supply of mail from one user to many recipients elsewhere; every mail is taken once."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._next = 0

    def take(self, author: str, count: int) -> Iterator[Mail]:
        """The next `count` mails of this author."""
        for _ in range(count):
            yield outgoing(self._seed, self._next, author, f"friend{self._next}@{ELSEWHERE}", self._size)
            self._next += 1


async def measure_sending(
    server: MeasuredServer, sink: Sink, submissions: Submissions, count: int, shape: Shape, progress: Progress
) -> Sending:
    """Submit `count` mails, and wait until all are at the sink and the server is idle. Raises TimeoutError."""
    rendered = [render(mail) for mail in submissions.take(server.target.login(0), count)]
    await server.meters.quiet(progress)
    before, there = server.meters.cpu(), sink.counter.mails
    with _fsyncs(server) as fsyncs:
        others = Others(server.meters.cpu)
        with progress.bar(f"{server.name}: submitted", count) as step:
            tally = await send_all(server.target, rendered, shape, limit=_SEND_LIMIT, progress=step)
        if not tally.accepted:
            raise RuntimeError(f"{server.name} accepted nothing: {dict(tally.refusals)}")
        last = await sink.arrived(there + tally.accepted, _ARRIVE_LIMIT)
        disturbed = others.cores()
        await server.meters.quiet(progress)
    return Sending(
        server=server.name,
        connections=shape.connections,
        mails=count,
        accepted=tally.accepted,
        refusals={reason: refused for reason, refused in tally.refusals.most_common() if refused},
        signatures=server.signatures,
        accepted_per_second=round(tally.rate, 1),
        arrived_per_second=round(tally.accepted / (last - tally.began), 1),
        accept_ms=spread(tally.durations),
        cpu_ms_per_mail=per_message(before, server.meters.cpu(), tally.accepted),
        fsyncs_per_mail={name: round(number / tally.accepted, 2) for name, number in fsyncs.items()},
        others_cores=round(disturbed, 2),
    )


def _fsyncs(server: MeasuredServer) -> contextlib.AbstractContextManager[dict[str, int]]:
    """Count where that does not slow the server; processes that start meanwhile count for their parents."""
    processes = server.meters.server
    if processes is None or server.meters.fsync_method != "perf":
        return contextlib.nullcontext({})
    return fsyncs_of(processes.pids(), server.meters.fsync_method)


async def check_signatures(server: MeasuredServer, port: int, submissions: Submissions) -> None:
    """Send one mail to a sink that keeps it, and count its DKIM signatures. Raises RuntimeError, TimeoutError."""
    (mail,) = submissions.take(server.target.login(0), 1)
    async with keeping(SINK_HOST, port) as folder:
        tally = await send_all(server.target, [render(mail)], Shape(1, 1), limit=_SEND_LIMIT)
        if not tally.accepted:
            raise RuntimeError(f"{server.name} accepted nothing: {dict(tally.refusals)}")
        count = signatures_of(await _kept(server, folder, mail.number))
    if count != server.signatures:
        raise RuntimeError(f"{server.name} added {count} DKIM signatures instead of {server.signatures}")


async def _kept(server: MeasuredServer, folder: Path, number: int) -> bytes:
    """The mail that the sink has written, when it is there."""
    recipient, end = f"<friend{number}@{ELSEWHERE}>".encode(), time.monotonic() + _KEPT_LIMIT
    while time.monotonic() < end:
        await asyncio.sleep(_LOOK)
        if message := _message_to(recipient, folder):
            await asyncio.sleep(_LOOK)  # so that the reply is sent before the sink ends
            return message
    raise TimeoutError(f"nothing came from {server.name} in {_KEPT_LIMIT:g} s")


def _message_to(recipient: bytes, folder: Path) -> bytes | None:
    """The message to this recipient, when its header is complete."""
    messages = (file.read_bytes().replace(b"\r\n", b"\n") for file in folder.iterdir())
    return next((message for message in messages if recipient in message and b"\n\n" in message), None)


def signatures_of(message: bytes) -> int:
    """The DKIM-Signature fields in the header of a message with LF line ends."""
    header = message.partition(b"\n\n")[0]
    return sum(line.lower().startswith(b"dkim-signature:") for line in header.split(b"\n"))

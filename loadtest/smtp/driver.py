"""Sends messages over several connections as fast as the server accepts them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from loadtest.smtp.rendered_mail import RenderedMail
from loadtest.smtp.session import Receipt, Refused, SmtpSession, open_session
from loadtest.target import Target

_TRIES = 20
"""Refused connections in a row after which a worker gives up."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The number of connections, the messages on each before it is closed, and whether commands are pipelined."""

    connections: int = 10
    per_connection: int = 10
    pipelining: bool = False


@dataclass(slots=True)
class Tally:
    """The results; times are monotonic seconds, durations seconds."""

    began: float = 0.0
    last_accepted: float = 0.0
    accepted: int = 0
    by_user: Counter[int] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    """From the final dot to 250."""
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Accepted each second."""
        span = self.last_accepted - self.began
        return self.accepted / span if span > 0 else 0.0

    @property
    def refused(self) -> int:
        """Messages that were not accepted."""
        return self.refusals.total()

    def add(self, rendered: RenderedMail, receipt: Receipt) -> None:
        """Count an accepted message."""
        self.accepted += 1
        self.by_user[rendered.user] += 1
        self.durations.append(receipt.accepted - receipt.dot)
        self.last_accepted = receipt.accepted


async def send_all(
    target: Target,
    rendered_mails: Iterable[RenderedMail],
    shape: Shape,
    *,
    limit: float = 600.0,
    progress: Callable[[], None] | None = None,
) -> Tally:
    """Send every message once; a refused one is counted and not repeated.

    Raises TimeoutError after `limit` seconds.
    """
    waiting, tally = deque(rendered_mails), Tally(began=time.monotonic())
    workers = (_work(target, waiting, shape, tally, number, progress or _silent) for number in range(shape.connections))
    async with asyncio.timeout(limit):
        await asyncio.gather(*workers)
    tally.refusals["not tried"] += len(waiting)
    return tally


def _silent() -> None:
    """A progress function that does nothing."""


async def _work(
    target: Target, waiting: deque[RenderedMail], shape: Shape, tally: Tally, number: int, progress: Callable[[], None]
) -> None:
    refused_in_a_row = 0
    while waiting and refused_in_a_row < _TRIES:
        try:
            session = await open_session(target, number)
        except (OSError, Refused):
            refused_in_a_row += 1
            await asyncio.sleep(0.05 * refused_in_a_row)
            continue
        refused_in_a_row = 0
        await _fill(session, waiting, shape, tally, progress)


async def _fill(
    session: SmtpSession, waiting: deque[RenderedMail], shape: Shape, tally: Tally, progress: Callable[[], None]
) -> None:
    """Send on one connection until it has carried its messages, is closed, or nothing is left."""
    for _ in range(shape.per_connection):
        if not waiting:
            break
        rendered = waiting.popleft()
        try:
            tally.add(rendered, await session.send(rendered, pipelining=shape.pipelining))
        except Refused as refused:
            tally.refusals[str(refused)[:120]] += 1
            return
        finally:
            progress()
    await session.quit()

"""Measures the time from the final dot to EXISTS at a fixed rate, by NOOP or by IDLE.

Every message is sent to the next user in turn, and each user has a session that watches INBOX. At the usual rates a
user has one message in transit, so the next EXISTS is its arrival.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from loadtest.content.mail import mail
from loadtest.content.profile import Profile
from loadtest.figures import Latency, spread
from loadtest.imap.session import Command, ImapRefused, ImapSession, open_imap
from loadtest.smtp.rendered_mail import RenderedMail, render
from loadtest.smtp.session import Refused, SmtpSession, open_session
from loadtest.target import Target
from loadtest.watching import Progress

NOOP_EVERY = 0.004
"""Seconds between two NOOPs of a waiting session."""
_LATE = 30.0
"""Seconds to wait after the last message."""
_SENDERS = 50


@dataclass(slots=True)
class Inbox:
    """A user's session and its messages in transit: the number of messages after each, and its final dot."""

    session: ImapSession
    announced: int = 0
    idle: Command | None = None
    arrivals: list[float] = field(default_factory=list)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no message is in transit."""
    _waiting: deque[tuple[int, float]] = field(default_factory=deque)
    _early: deque[tuple[int, float]] = field(default_factory=deque)
    """EXISTS that arrived before the 250 of its message was read."""

    def sent(self, dot: float) -> None:
        """Note an accepted message, which may have arrived already."""
        self.announced += 1
        self._waiting.append((self.announced, dot))
        self.empty.clear()
        while self._early and self._waiting:
            self._settle(*self._early.popleft())

    def saw(self, exists: int, at: float) -> None:
        """Note an EXISTS at this monotonic time."""
        if exists > self.announced:
            self._early.append((exists, at))
        self._settle(exists, at)

    def _settle(self, exists: int, at: float) -> None:
        while self._waiting and self._waiting[0][0] <= exists:
            _, dot = self._waiting.popleft()
            self.arrivals.append(at - dot)
        if not self._waiting:
            self.empty.set()


async def measure_latency(
    target: Target, profile: Profile, *, rate: float, count: int, by: str, progress: Progress
) -> Latency:
    """Send `count` messages, `rate` per second. `by` is `noop` or `idle`. Raises OSError, ImapRefused."""
    inboxes = {user: await _watch(target, user, by) for user in range(min(target.users, count))}
    rendered_mails = [render(mail(_plain(profile), number, number)) for number in range(count)]
    senders = _Senders(target)
    with progress.bar(f"latency by {by.upper()}", count) as step:
        refused = await _send_at(rate, rendered_mails, senders, inboxes, by, step)
        await _wait(inboxes)
    await _close(inboxes, senders)
    arrivals = [seconds for inbox in inboxes.values() for seconds in inbox.arrivals]
    return Latency(
        rate=rate,
        seen_by=by,
        sent=count,
        seen=len(arrivals),
        refused=refused,
        arrival_ms=spread(arrivals),
        accept_ms=spread(senders.durations),
    )


def _plain(profile: Profile) -> Profile:
    """The profile without spam, which would be filed in another mailbox, and with new Message-IDs."""
    return dataclasses.replace(profile, spam_share=0.0, seed=profile.seed + time.time_ns() % 1_000_000_007)


async def _watch(target: Target, user: int, by: str) -> Inbox:
    session = await open_imap(target, user)
    await session.command(b"SELECT INBOX")
    inbox = Inbox(session, session.exists)
    inbox.empty.set()
    session.on_exists = inbox.saw
    if by == "idle":
        inbox.idle = await session.idle()
    return inbox


class _Senders:
    """Free SMTP connections; a new one is opened when there is none."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._free: list[SmtpSession] = []
        self._gate = asyncio.Semaphore(_SENDERS)
        self._opened = 0
        self.durations: list[float] = []

    async def send(self, rendered: RenderedMail) -> float:
        """Send a mail; returns when the final dot was written. Raises OSError, Refused."""
        async with self._gate:
            session = await self._take()
            receipt = await session.send(rendered)
            self._free.append(session)
        self.durations.append(receipt.accepted - receipt.dot)
        return receipt.dot

    async def _take(self) -> SmtpSession:
        while self._free:
            if not (session := self._free.pop()).lost:
                return session
        self._opened += 1
        return await open_session(self._target, self._opened)

    async def close(self) -> None:
        for session in self._free:
            await session.quit()


async def _send_at(
    rate: float,
    rendered_mails: list[RenderedMail],
    senders: _Senders,
    inboxes: dict[int, Inbox],
    by: str,
    step: Callable[[], None],
) -> int:
    """Start each message at its time, even when earlier ones are not done; returns the number of refused ones."""
    start, running = time.monotonic(), []
    for due, rendered in _due_mails(start, rate, rendered_mails):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        running.append(asyncio.create_task(_send(rendered, senders, inboxes[rendered.user % len(inboxes)], by)))
        step()
    outcomes = await asyncio.gather(*running)
    return outcomes.count(False)


def _due_mails(start: float, rate: float, rendered_mails: list[RenderedMail]) -> Iterator[tuple[float, RenderedMail]]:
    return ((start + number / rate, rendered) for number, rendered in enumerate(rendered_mails))


async def _send(rendered: RenderedMail, senders: _Senders, inbox: Inbox, by: str) -> bool:
    try:
        dot = await senders.send(rendered)
    except (OSError, Refused):
        return False
    inbox.sent(dot)
    if by == "noop":
        await _poll(inbox)
    return True


async def _poll(inbox: Inbox) -> None:
    """Send NOOP until the message has arrived, or for the time limit."""
    end = time.monotonic() + _LATE
    while not inbox.empty.is_set() and time.monotonic() < end:
        await inbox.session.command(b"NOOP")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(inbox.empty.wait(), NOOP_EVERY)


async def _wait(inboxes: dict[int, Inbox]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(inbox.empty.wait() for inbox in inboxes.values())), _LATE)


async def _close(inboxes: dict[int, Inbox], senders: _Senders) -> None:
    """Close everything; errors are ignored, because the figures are complete."""
    await senders.close()
    for inbox in inboxes.values():
        if inbox.idle:
            with contextlib.suppress(ImapRefused, TimeoutError):
                await asyncio.wait_for(inbox.session.done(inbox.idle), 5)
        inbox.session.close()

"""Measures how long others wait while one session runs commands whose work grows: NOOPs, STOREs and mail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from loadtest.content.filler import filler, filler_profile
from loadtest.content.mail import mail
from loadtest.content.profile import Profile
from loadtest.figures import Waits, spread
from loadtest.imap.append import append
from loadtest.imap.bulk import BulkSession, open_bulk
from loadtest.imap.session import ImapRefused, open_imap
from loadtest.measure.large_commands import COPIES, MAILBOX, MOVED, LargeCommand, large_commands
from loadtest.measure.seeding import seed, size_of
from loadtest.smtp.rendered_mail import render
from loadtest.smtp.session import SmtpSession, open_session
from loadtest.target import Target
from loadtest.watching import Progress

REST = "nothing"
"""The name of the waits while no such command runs."""
_REST_SECONDS = 10.0
_SEEDED = 1000
"""Messages that are appended; the others are made by COPY."""
_STORED = 20
Ask = Callable[[int], Awaitable[object]]


@dataclass(slots=True)
class Watcher:
    """Repeats one operation; `samples` are the time of each and the duration of its response."""

    name: str
    ask: Ask
    every: float
    """Seconds between two operations, if the response has arrived by then."""
    samples: list[tuple[float, float]] = field(default_factory=list)

    async def run(self) -> None:
        """Repeat the operation until cancelled. Raises OSError, ImapRefused, Refused."""
        number = 0
        while True:
            began = time.monotonic()
            await self.ask(number)
            took = time.monotonic() - began
            self.samples.append((began, took))
            number += 1
            await asyncio.sleep(max(0.0, self.every - took))

    def between(self, first: float, last: float) -> list[float]:
        """The durations of the operations that overlapped this time."""
        return [took for began, took in self.samples if began <= last and began + took >= first]


async def measure_waits(
    target: Target, user: int, size: int, rate: float, profile: Profile, progress: Progress
) -> list[Waits]:
    """Measure with a mailbox of `size` messages of one user, and `rate` mails per second to others.

    Raises OSError, ImapRefused, Refused.
    """
    await _fill(target, user, size, filler_profile(profile, 2048), progress)
    first, second = await open_bulk(target, user), await open_bulk(target, user)
    await _expect(first, b"SELECT " + MAILBOX)
    await _expect(second, b"SELECT " + MAILBOX)
    commands = large_commands(size)
    async with _watching(target, user, rate, profile) as watchers:
        with progress.bar("commands", len(commands) + 1) as step:
            measured = [await _measure_waits(REST, size, watchers, _rest)]
            step()
            for command in commands:
                session = second if command.second else first
                measured.append(await _measure_waits(command.name, size, watchers, _asking(session, command)))
                step()
    first.close()
    second.close()
    return measured


async def _measure_waits(name: str, size: int, watchers: list[Watcher], act: Callable[[], Awaitable[str]]) -> Waits:
    began = time.monotonic()
    answer = await act()
    ended = time.monotonic()
    await asyncio.sleep(0.3)  # so that operations that still wait are counted
    waits = {watcher.name: spread(watcher.between(began, ended)) for watcher in watchers}
    return Waits(command=name, mailbox_size=size, seconds=round(ended - began, 3), answer=answer, waits=waits)


async def _rest() -> str:
    await asyncio.sleep(_REST_SECONDS)
    return ""


def _asking(session: BulkSession, command: LargeCommand) -> Callable[[], Awaitable[str]]:
    async def ask() -> str:
        answer = await session.command(*command.lines)
        return answer.decode("utf-8", "replace")[:60]

    return ask


@contextlib.asynccontextmanager
async def _watching(target: Target, user: int, rate: float, profile: Profile) -> AsyncIterator[list[Watcher]]:
    """Run the watchers for the length of a block; an error of one of them is raised at its end."""
    others = [other for other in range(target.users) if other != user] or [user]
    noop, store, own = (
        await open_imap(target, others[0]),
        await open_imap(target, others[-1]),
        await open_imap(target, user),
    )
    await noop.command(b"SELECT INBOX")
    await append(store, b"Drafts", list(filler(filler_profile(profile, 2048), _STORED, 0)))
    await store.command(b"SELECT Drafts")
    mails = _Mails(target, others, profile)
    watchers = [
        Watcher("NOOP", lambda _: noop.command(b"NOOP"), 0.01),
        Watcher("NOOP, same account", lambda _: own.command(b"NOOP"), 0.01),
        Watcher("STORE", lambda number: store.command(_store_command(number)), 0.05),
        Watcher("mail", mails.send, 1 / rate),
    ]
    running = [asyncio.create_task(watcher.run()) for watcher in watchers]
    try:
        yield watchers
    finally:
        for task in running:
            task.cancel()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        for session in (noop, store, own):
            session.close()
        await mails.close()
    broken = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if broken:
        raise broken[0]


def _store_command(number: int) -> bytes:
    sign = b"+" if number // _STORED % 2 == 0 else b"-"
    return b"STORE %d %sFLAGS.SILENT (\\Flagged)" % (number % _STORED + 1, sign)


class _Mails:
    """A stream of mail from outside to the other users."""

    def __init__(self, target: Target, users: list[int], profile: Profile) -> None:
        self._target = target
        self._users = users
        self._profile = profile
        self._session: SmtpSession | None = None
        self._base = time.time_ns() % 1_000_000_007

    async def send(self, number: int) -> None:
        """Send one mail; returns when it is accepted. Raises OSError, Refused."""
        if self._session is None or self._session.lost:
            self._session = await open_session(self._target, 0)
        user = self._users[number % len(self._users)]
        await self._session.send(render(mail(self._profile, self._base + number, user)))

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None and not self._session.lost:
            await self._session.quit()


async def _fill(target: Target, user: int, size: int, profile: Profile, progress: Progress) -> None:
    """Fill the mailbox: some messages are appended, the others are copies, which cost the same in this measurement."""
    session = await open_imap(target, user)
    for mailbox in (MAILBOX, COPIES, MOVED):
        with contextlib.suppress(ImapRefused):
            await session.command(b"CREATE " + mailbox)
    there = await size_of(session, MAILBOX)
    if there < min(_SEEDED, size):
        await seed(target, user, MAILBOX, min(_SEEDED, size) - there, profile, progress)
    await session.command(b"SELECT " + MAILBOX)
    while (there := await size_of(session, MAILBOX)) < size:
        await session.command(b"NOOP")
        await session.command(b"COPY 1:%d %s" % (min(there, size - there), MAILBOX))
    session.close()


async def _expect(session: BulkSession, line: bytes) -> None:
    answer = await session.command(line)
    if not answer.startswith(b"OK"):
        raise ImapRefused(answer.decode("utf-8", "replace")[:200])

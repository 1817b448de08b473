"""Does the work for one mail depend on how many there are already? It must not, but for SELECT and SEARCH a little.

One INBOX is filled to each size in turn; at each, every operation is done on new mail only.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence

from loadtest.content.filler import filler, filler_profile
from loadtest.content.mail import RARE_WORD, mail
from loadtest.content.profile import Profile
from loadtest.figures import Growth, ImapTiming
from loadtest.imap.append import append
from loadtest.imap.session import ImapSession, open_imap
from loadtest.measure.bench import Meters
from loadtest.measure.seeding import seed, size_of
from loadtest.measure.timing import Act, timed
from loadtest.smtp.letter import letter
from loadtest.smtp.session import SmtpSession, open_session
from loadtest.target import Target
from loadtest.watching import Progress

SIZES = (100, 10_000, 100_000)
FLAT = ("delivery", "APPEND", "NOOP", "STATUS", "IDLE", "FETCH new", "STORE new")
"""Operations whose work must not grow."""
_INBOX = b"INBOX"
_ARRIVAL_LIMIT = 30.0
_FRESH = 1_000_000_000
"""Numbers of messages that measurements add begin here, far above those that fill."""


@dataclasses.dataclass(slots=True)
class _Stage:
    """The sessions that act at one size, and the numbers given to new messages."""

    reader: ImapSession
    """Has INBOX selected."""
    other: ImapSession
    """Has nothing selected."""
    smtp: SmtpSession
    small: Profile
    fresh: int

    def message(self) -> bytes:
        """A message nobody has seen."""
        self.fresh += 1
        return next(filler(self.small, 1, self.fresh))


async def measure_growth(
    target: Target, user: int, sizes: Sequence[int], profile: Profile, meters: Meters, progress: Progress
) -> Growth:
    """Fills INBOX to each size and measures there. Raises OSError, ImapRefused, Refused, TimeoutError."""
    timings: list[ImapTiming] = []
    for number, size in enumerate(sorted(sizes)):
        await _fill(target, user, size, filler_profile(profile, 2048), progress)
        stage = await _open(target, user, filler_profile(profile, 2048), _FRESH * (number + 1))
        timings += await _measure(stage, user, size, profile, meters, progress)
        _close(stage)
    return Growth(sizes=sorted(sizes), timings=timings)


async def _fill(target: Target, user: int, size: int, profile: Profile, progress: Progress) -> None:
    session = await open_imap(target, user)
    have = await size_of(session, _INBOX)
    session.close()
    if have < size:
        await seed(target, user, _INBOX, size - have, profile, progress, first=have)


async def _open(target: Target, user: int, small: Profile, fresh: int) -> _Stage:
    reader, other = await open_imap(target, user), await open_imap(target, user)
    await reader.command(b"SELECT INBOX")
    return _Stage(reader, other, await open_session(target), small, fresh)


def _close(stage: _Stage) -> None:
    stage.reader.close()
    stage.other.close()
    stage.smtp.close()


async def _measure(
    stage: _Stage, user: int, size: int, profile: Profile, meters: Meters, progress: Progress
) -> list[ImapTiming]:
    acts = _acts(stage, user, profile)
    timings = []
    with progress.bar(f"operations at {size}", len(acts)) as step:
        for name, repeats, act in acts:
            timings.append(await timed(name, size, repeats, act, meters, progress))
            step()
    return timings


def _acts(stage: _Stage, user: int, profile: Profile) -> list[tuple[str, int, Act]]:
    reader, other = stage.reader, stage.other
    plain = dataclasses.replace(profile, spam_share=0.0, attachment_share=0.0)
    letters = [letter(mail(plain, stage.fresh + number, user)) for number in range(50)]
    return [
        ("delivery", 50, lambda number: _arrives(reader, stage.smtp.send(letters[number]))),
        ("APPEND", 100, lambda _: append(other, _INBOX, [stage.message()])),
        ("NOOP", 1000, lambda _: reader.command(b"NOOP")),
        ("STATUS", 500, lambda _: other.command(b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")),
        ("IDLE", 50, lambda _: _idles(reader, append(other, _INBOX, [stage.message()]))),
        ("FETCH new", 200, lambda _: reader.command(b"FETCH * (UID FLAGS BODY.PEEK[])")),
        ("STORE new", 200, lambda number: reader.command(b"STORE * %sFLAGS (\\Seen)" % (b"-" if number % 2 else b"+"))),
        ("SELECT", 10, lambda _: reader.command(b"SELECT INBOX")),
        ("SEARCH FROM", 5, lambda _: reader.command(b'SEARCH FROM "wanda"')),
        ("SEARCH BODY", 5, lambda _: reader.command(b'SEARCH BODY "%s"' % RARE_WORD.encode())),
    ]


async def _arrives(reader: ImapSession, sending: Awaitable[object]) -> None:
    """Sends, then asks until the new message is there."""
    before = reader.exists
    await sending
    async with asyncio.timeout(_ARRIVAL_LIMIT):
        while reader.exists <= before:
            await reader.command(b"NOOP")


async def _idles(reader: ImapSession, appending: Awaitable[object]) -> None:
    """Watches a message come by IDLE."""
    came = asyncio.Event()
    reader.on_exists = lambda _count, _at: came.set()
    idle = await reader.idle()
    await appending
    async with asyncio.timeout(_ARRIVAL_LIMIT):
        await came.wait()
    await reader.done(idle)
    reader.on_exists = None

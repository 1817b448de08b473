"""Measures whether the work for one mail grows with the size of the mailbox.

It must not, except for SELECT and SEARCH. One INBOX is filled to each size in turn. At each size every operation is
done on new mail only, first unmeasured, then in several rounds.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence

from loadtest.content.filler import filler, filler_profile, renewed
from loadtest.content.mail import RARE_WORD, Mail, mail
from loadtest.content.profile import Profile
from loadtest.figures import Growth, ImapTiming
from loadtest.imap.append import append
from loadtest.imap.session import ImapSession, open_imap
from loadtest.measure.bench import Meters
from loadtest.measure.seeding import seed, size_of
from loadtest.measure.timing import Act, counted
from loadtest.smtp.rendered_mail import RenderedMail, render
from loadtest.smtp.session import SmtpSession, open_session
from loadtest.target import Target
from loadtest.watching import Progress

SIZES = (100, 10_000, 100_000)
FLAT = ("delivery", "APPEND", "NOOP", "STATUS", "IDLE", "FETCH new", "STORE new")
"""Operations whose work must not grow."""
ALLOWED = 1.2
"""The largest allowed ratio between the work at any size and at the smallest."""
ROUNDS = 5
_A_ROUND = 10
"""Mails that are delivered in a round."""
_FILLERS = 8
"""Connections that fill the mailbox; what they append at the same time is flushed together."""
_INBOX = b"INBOX"
_ARRIVAL_LIMIT = 30.0
_FRESH = 1_000_000_000
"""The number of the first message that measurements add, far above those that fill the mailbox."""


@dataclasses.dataclass(slots=True)
class _Stage:
    """The sessions that are used at one size, and the numbers of new messages."""

    reader: ImapSession
    """The session that has INBOX selected."""
    other: ImapSession
    """The session that has no mailbox selected."""
    smtp: SmtpSession
    small: Profile
    mails: Sequence[Mail]
    fresh: int

    def message(self) -> bytes:
        """A new message."""
        self.fresh += 1
        return next(filler(self.small, 1, self.fresh))

    def render(self) -> RenderedMail:
        """A new mail; the same ones in the same order at every size."""
        self.fresh += 1
        return render(renewed(self.mails[self.fresh % len(self.mails)], self.fresh))


async def measure_growth(
    target: Target, user: int, sizes: Sequence[int], profile: Profile, meters: Meters, progress: Progress
) -> Growth:
    """Fill INBOX to each size and measure there. Raises OSError, ImapRefused, Refused, TimeoutError."""
    timings: list[ImapTiming] = []
    for number, size in enumerate(sorted(sizes)):
        await _fill(target, user, size, filler_profile(profile, 2048), progress)
        stage = await _open(target, user, profile, _FRESH * (number + 1))
        timings += await _measure(stage, size, meters, progress)
        _close(stage)
    return Growth(sizes=sorted(sizes), timings=timings)


async def _fill(target: Target, user: int, size: int, profile: Profile, progress: Progress) -> None:
    session = await open_imap(target, user)
    have = await size_of(session, _INBOX)
    session.close()
    if have < size:
        await seed(target, user, _INBOX, size - have, profile, progress, connections=_FILLERS, first=have)


async def _open(target: Target, user: int, profile: Profile, fresh: int) -> _Stage:
    reader, other = await open_imap(target, user), await open_imap(target, user)
    await reader.command(b"SELECT INBOX")
    plain = dataclasses.replace(profile, spam_share=0.0, attachment_share=0.0, signed_share=0.0)
    models = [mail(plain, number, user) for number in range(_A_ROUND)]
    return _Stage(reader, other, await open_session(target), filler_profile(profile, 2048), models, fresh)


def _close(stage: _Stage) -> None:
    stage.reader.close()
    stage.other.close()
    stage.smtp.close()


async def _measure(stage: _Stage, size: int, meters: Meters, progress: Progress) -> list[ImapTiming]:
    acts = _acts(stage)
    timings = []
    with progress.bar(f"operations at {size}", len(acts)) as step:
        for name, repeats, rounds, act in acts:
            # The first repeats include work that happens once: connections, prepared statements, the end of the
            # filling.
            await _once_around(act, repeats)
            timings.append(await counted(name, size, repeats, act, meters, progress, rounds))
            step()
    return timings


async def _once_around(act: Act, repeats: int) -> None:
    for number in range(repeats):
        await act(-1 - number)


def _acts(stage: _Stage) -> list[tuple[str, int, int, Act]]:
    """For each operation its name, the repeats in a round, the rounds, and the function that does it."""
    reader, other = stage.reader, stage.other
    return [
        ("delivery", _A_ROUND, ROUNDS, lambda _: _idles(reader, stage.smtp.send(stage.render()))),
        ("APPEND", 40, ROUNDS, lambda _: append(other, _INBOX, [stage.message()])),
        ("NOOP", 2000, ROUNDS, lambda _: reader.command(b"NOOP")),
        ("STATUS", 1000, ROUNDS, lambda _: other.command(b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")),
        ("IDLE", 10, ROUNDS, lambda _: _idles(reader, append(other, _INBOX, [stage.message()]))),
        ("FETCH new", 300, ROUNDS, lambda _: reader.command(b"FETCH * (UID FLAGS BODY.PEEK[])")),
        (
            "STORE new",
            100,
            ROUNDS,
            lambda number: reader.command(b"STORE * %sFLAGS (\\Seen)" % (b"-" if number % 2 else b"+")),
        ),
        ("SELECT", 5, ROUNDS, lambda _: reader.command(b"SELECT INBOX")),
        ("SEARCH FROM", 1, 3, lambda _: reader.command(b'SEARCH FROM "wanda"')),
        ("SEARCH BODY", 1, 3, lambda _: reader.command(b'SEARCH BODY "%s"' % RARE_WORD.encode())),
    ]


async def _idles(reader: ImapSession, sending: Awaitable[object]) -> None:
    """Watch for a message with IDLE: always two commands, however long it takes."""
    exists_seen = asyncio.Event()
    reader.on_exists = lambda _count, _at: exists_seen.set()
    idle = await reader.idle()
    await sending
    async with asyncio.timeout(_ARRIVAL_LIMIT):
        await exists_seen.wait()
    await reader.done(idle)
    reader.on_exists = None

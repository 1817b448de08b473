"""Times IMAP operations on one large mailbox: opening, listing, reading, searching, flagging, copying, appending."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.content.filler import filler, filler_profile
from loadtest.content.mail import RARE_SUBJECT, RARE_WORD
from loadtest.content.profile import Profile
from loadtest.figures import ImapTiming
from loadtest.imap.append import append
from loadtest.imap.session import ImapSession, open_imap
from loadtest.measure.bench import Meters
from loadtest.measure.seeding import seed, size_of
from loadtest.measure.timing import Act, timed
from loadtest.target import Target
from loadtest.watching import Progress

MAILBOX = b"Load"
_COPIES = b"LoadCopies"
_MOVED = b"LoadMoved"
_SOME = 500


@dataclass(frozen=True, slots=True)
class _Operation:
    """A command, and its number of repeats."""

    name: str
    line: bytes
    repeats: int = 3


_OPERATIONS = (
    _Operation("SELECT", b"SELECT " + MAILBOX, 20),
    _Operation("FETCH 1:* list view", b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
    _Operation("FETCH 1:* BODYSTRUCTURE", b"FETCH 1:* (BODYSTRUCTURE)"),
    _Operation("FETCH 1:* FLAGS", b"FETCH 1:* (UID FLAGS)"),
    _Operation(f"FETCH {_SOME} bodies", b"FETCH 1:%d (UID BODY.PEEK[])" % _SOME),
    _Operation("SEARCH UNSEEN", b"SEARCH UNSEEN", 10),
    _Operation("SEARCH FROM", b'SEARCH FROM "wanda"'),
    _Operation("SEARCH SUBJECT (rare)", b'SEARCH SUBJECT "%s"' % RARE_SUBJECT.encode()),
    _Operation("SEARCH BODY (rare)", b'SEARCH BODY "%s"' % RARE_WORD.encode()),
    _Operation("SEARCH TEXT (common)", b'SEARCH TEXT "the"'),
    _Operation("STORE 1:* +FLAGS.SILENT", b"STORE 1:* +FLAGS.SILENT (\\Flagged)"),
    _Operation("STORE 1:* -FLAGS.SILENT", b"STORE 1:* -FLAGS.SILENT (\\Flagged)"),
    _Operation("COPY 1000", b"COPY 1:1000 " + _COPIES),
)


async def measure_imap(
    target: Target, user: int, size: int, profile: Profile, meters: Meters, progress: Progress
) -> list[ImapTiming]:
    """Fill the mailbox up to `size` messages, then time each operation. Raises OSError, ImapRefused."""
    small = filler_profile(profile, 4096)
    session = await open_imap(target, user)
    await _prepare(target, user, size, small, session, progress)
    timings = []
    with progress.bar("IMAP operations", len(_OPERATIONS) + 3) as step:
        for name, repeats, act in _acts(target, user, session, small, size):
            timings.append(await timed(name, size, repeats, act, meters, progress))
            step()
    session.close()
    return timings


async def _prepare(
    target: Target, user: int, size: int, profile: Profile, session: ImapSession, progress: Progress
) -> None:
    listed = b"".join(await session.command(b'LIST "" "%s*"' % MAILBOX))
    for mailbox in (MAILBOX, _COPIES, _MOVED):
        if not any(line.strip(b'" ').endswith(mailbox) for line in listed.split(b"* LIST")):
            await session.command(b"CREATE " + mailbox)
    if (lacking := size - await size_of(session, MAILBOX)) > 0:
        await seed(target, user, MAILBOX, lacking, profile, progress, first=size - lacking)


def _acts(target: Target, user: int, session: ImapSession, profile: Profile, size: int) -> list[tuple[str, int, Act]]:
    more = list(filler(profile, 100, size + 1))
    acts: list[tuple[str, int, Act]] = [("LOGIN (new connection)", 10, lambda _: _login(target, user))]
    acts += [(operation.name, operation.repeats, _command(session, operation.line)) for operation in _OPERATIONS]
    acts.append(("SELECT, MOVE 1000", 3, lambda _: session.in_a_row([b"SELECT " + _COPIES, b"MOVE 1:1000 " + _MOVED])))
    acts.append(("APPEND", 100, lambda number: append(session, MAILBOX, [more[number]])))
    return acts


def _command(session: ImapSession, line: bytes) -> Act:
    return lambda _: session.command(line)


async def _login(target: Target, user: int) -> None:
    (await open_imap(target, user)).close()

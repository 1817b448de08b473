"""Commands whose work grows with a mailbox, a list of names or their own text.

They are in an order in which each finds what it needs. `{n}` is replaced by the size of the mailbox.
"""

from __future__ import annotations

from typing import NamedTuple

MAILBOX, COPIES, MOVED = b"Waits", b"WaitsCopies", b"WaitsMoved"
_NAMES = 1000


class LargeCommand(NamedTuple):
    """The title of a command, and its lines; only the response to the last is waited for."""

    name: str
    lines: tuple[bytes, ...]
    second: bool = False
    """Whether the second session of the same mailbox sends it, which is notified of the changes by the first."""


def _keywords(count: int) -> bytes:
    return b" ".join(b"k%d" % number for number in range(count))


def _set(size: int) -> bytes:
    """Every second UID, as many as fit into a command line."""
    return b",".join(b"%d" % uid for uid in range(1, min(size, 20_000), 2))


def large_commands(size: int) -> tuple[LargeCommand, ...]:
    """The commands for a mailbox of this size."""
    return (*_reading(size), *_writing(size), *_names(), *_ending(size))


def _reading(size: int) -> tuple[LargeCommand, ...]:
    texts = b" ".join(b"NOT BODY text%d" % number for number in range(100))
    return (
        LargeCommand("SELECT", (b"SELECT " + MAILBOX,)),
        LargeCommand("FETCH 1:* FLAGS", (b"FETCH 1:* (UID FLAGS)",)),
        LargeCommand("FETCH 1:* list view", (b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",)),
        LargeCommand("FETCH 500 items", (b"FETCH 1:20 (%s)" % b" ".join(_section(number) for number in range(500)),)),
        LargeCommand("SEARCH 200 keys", (b"SEARCH " + b"OR SEEN " * 199 + b"SEEN",)),
        LargeCommand("SEARCH SUBJECT", (b'SEARCH SUBJECT "nothing has this"',)),
        LargeCommand("SEARCH 100 texts of 1,000 mails", (b"SEARCH 1:1000 " + texts,)),
        LargeCommand("SEARCH a large set", (b"UID SEARCH RETURN (SAVE) UID " + _set(size),)),
        LargeCommand("SEARCH $, four times", (b"SEARCH RETURN (COUNT) $ $ $ $",)),
    )


def _section(number: int) -> bytes:
    return b"BODY.PEEK[HEADER.FIELDS (X-%d)]" % number


def _writing(size: int) -> tuple[LargeCommand, ...]:
    return (
        LargeCommand("STORE 1:* +FLAGS", (b"STORE 1:* +FLAGS (\\Flagged)",)),
        LargeCommand("NOOP after it, second session", (b"NOOP",), second=True),
        LargeCommand("STORE 1:* 60 keywords, silent", (b"STORE 1:* +FLAGS.SILENT (%s)" % _keywords(60),)),
        LargeCommand("STORE 1:* -60 keywords, silent", (b"STORE 1:* -FLAGS.SILENT (%s)" % _keywords(60),)),
        LargeCommand("STORE 1:* 8,000 keywords", (b"STORE 1:* +FLAGS (%s)" % _keywords(8000),)),
        LargeCommand("COPY 1:*", (b"COPY 1:* " + COPIES,)),
        LargeCommand("MOVE half", (b"MOVE 1:%d %s" % (size // 2, MOVED),)),
        LargeCommand("NOOP after it, second session", (b"NOOP",), second=True),
        LargeCommand("UID STORE \\Deleted, a large set", (b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % _upper(size),)),
        LargeCommand("UID EXPUNGE, a large set", (b"UID EXPUNGE " + _upper(size),)),
        LargeCommand("NOOP after it, second session", (b"NOOP",), second=True),
        LargeCommand("SELECT with holes", (b"SELECT " + MAILBOX,)),
        LargeCommand("10,000 NOOPs in a row", (b"NOOP",) * 10_000),
    )


def _upper(size: int) -> bytes:
    """Every second UID of the remaining half, as many as fit into a command line."""
    return b",".join(b"%d" % uid for uid in range(size // 2 + 1, size // 2 + min(size // 2, 14_000), 2))


def _names() -> tuple[LargeCommand, ...]:
    made = tuple(b"CREATE waits/%d/%d" % (number % 30, number) for number in range(_NAMES))
    subscribed = tuple(b"SUBSCRIBE waits/%d/%d" % (number % 30, number) for number in range(0, _NAMES, 2))
    patterns = b" ".join(b"*%d*a*b" % number for number in range(100))
    return (
        LargeCommand(f"CREATE {_NAMES} mailboxes in a row", made + subscribed),
        LargeCommand("LIST *", (b'LIST "" *',)),
        LargeCommand("LIST RECURSIVEMATCH", (b'LIST (SUBSCRIBED RECURSIVEMATCH) "" * RETURN (CHILDREN)',)),
        LargeCommand("LIST 100 patterns", (b'LIST "" (%s)' % patterns,)),
        LargeCommand("LIST RETURN STATUS", (b'LIST "" * RETURN (STATUS (MESSAGES UNSEEN SIZE))',)),
        LargeCommand(f"RENAME of {_NAMES} mailboxes", (b"RENAME waits renamed",)),
    )


def _ending(size: int) -> tuple[LargeCommand, ...]:
    return (
        LargeCommand("STORE 1:* \\Deleted, silent", (b"STORE 1:* +FLAGS.SILENT (\\Deleted)",)),
        LargeCommand("EXPUNGE", (b"EXPUNGE",)),
        LargeCommand(f"DELETE {size} messages", (b"DELETE " + COPIES,)),
        LargeCommand(f"DELETE {size // 2} messages", (b"DELETE " + MOVED,)),
    )

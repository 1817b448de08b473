"""The operations of which a reading load consists. Each undoes what would change the next round."""

from __future__ import annotations

from dataclasses import dataclass

MAILBOX, COPIES, MOVED = b"Load", b"LoadCopies", b"LoadMoved"
_SOME = 1000
_BODIES = 500


@dataclass(frozen=True, slots=True)
class Operation:
    """Commands whose time is measured together; those before and after them are not measured."""

    name: str
    lines: tuple[bytes, ...]
    before: tuple[bytes, ...] = ()
    after: tuple[bytes, ...] = ()


def operations(size: int) -> tuple[Operation, ...]:
    """The operations on a mailbox of `size` messages. The first listing is the first time that anybody lists it."""
    some, bodies = min(_SOME, size), min(_BODIES, size)
    emptied = (b"SELECT " + COPIES, b"STORE 1:* +FLAGS.SILENT (\\Deleted)", b"EXPUNGE", b"SELECT " + MAILBOX)
    emptied_moved = (b"SELECT " + MOVED, b"STORE 1:* +FLAGS.SILENT (\\Deleted)", b"EXPUNGE", b"SELECT " + MAILBOX)
    return (
        Operation("FETCH 1:* list view", (b"FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)",)),
        Operation("FETCH 1:* BODYSTRUCTURE", (b"FETCH 1:* (BODYSTRUCTURE)",)),
        Operation("FETCH 1:* FLAGS", (b"FETCH 1:* (UID FLAGS)",)),
        Operation(f"FETCH {bodies} bodies", (b"FETCH 1:%d (UID BODY.PEEK[])" % bodies,)),
        Operation("SEARCH UNSEEN", (b"SEARCH UNSEEN",)),
        Operation("SEARCH SINCE", (b"SEARCH SINCE 1-Jan-2026",)),
        Operation("SEARCH SENTSINCE", (b"SEARCH SENTSINCE 1-Jan-2026",)),
        Operation("SEARCH FROM", (b'SEARCH FROM "wanda"',)),
        Operation("SEARCH SUBJECT", (b'SEARCH SUBJECT "invoice"',)),
        Operation("SEARCH HEADER Message-ID", (b'SEARCH HEADER Message-ID "12345."',)),
        Operation("SORT (DATE)", (b"SORT (DATE) UTF-8 ALL",)),
        Operation("SORT (SUBJECT)", (b"SORT (SUBJECT) UTF-8 ALL",)),
        Operation("SORT (SUBJECT FROM)", (b"SORT (SUBJECT FROM) UTF-8 ALL",)),
        Operation("THREAD REFERENCES", (b"THREAD REFERENCES UTF-8 ALL",)),
        Operation("THREAD REFS", (b"THREAD REFS UTF-8 ALL",)),
        Operation("STORE 1:* +FLAGS.SILENT", (b"STORE 1:* +FLAGS.SILENT (\\Flagged)",), after=_UNFLAGGED),
        Operation("STORE 1:* +FLAGS", (b"STORE 1:* +FLAGS (\\Flagged)",), after=_UNFLAGGED),
        Operation(f"COPY {some}", (b"COPY 1:%d %s" % (some, COPIES),), after=emptied),
        Operation(
            f"MOVE {some}",
            (b"MOVE 1:%d %s" % (some, MOVED),),
            before=(b"COPY 1:%d %s" % (some, COPIES), b"SELECT " + COPIES),
            after=emptied_moved,
        ),
        Operation("SELECT", (b"SELECT " + MAILBOX,)),
    )


_UNFLAGGED = (b"STORE 1:* -FLAGS.SILENT (\\Flagged)",)

"""A session's view of its mailbox: what the client is notified of, when, and that it is notified once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from services.access.session import selected as selected_module
from services.access.session.recents import Recents
from services.access.session.selected import NoSuchMessage, Selected, flag_pages, runs_of
from services.access.session.versions import Watch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.sequence import SAVED_RESULT, SequenceSet, parse_sequence_set
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns
from tests.harness.work import LineCount

NONE = NumberSet()


def view(
    *ranges: tuple[int, int], version: int = 10, recents: Recents | None = None, read_only: bool = False
) -> Selected:
    """A mailbox with these UIDs."""
    uids = pb.UidSet(bounds=[bound for pair in ranges for bound in pair])
    opened = pb.MailboxView(mailbox=pb.Mailbox(id="m1", uid_next=1), uids=[uids], version=version, keywords=["$Work"])
    return Selected(
        Watch("account"),
        opened,
        asyncio.run(runs_of(opened, Turns())),
        recents or Recents(10),
        read_only=read_only,
    )


def changes(
    version: int,
    *,
    added: tuple[int, ...] = (),
    vanished: tuple[int, ...] = (),
    changed: tuple[tuple[int, int], ...] = (),
) -> pb.ChangesReply:
    """A reply of the store; `changed` contains (UID, MODSEQ)."""
    return pb.ChangesReply(
        version=version,
        added=[pb.UidSet(bounds=[uid, uid]) for uid in added],
        vanished=[pb.UidSet(bounds=[uid, uid]) for uid in vanished],
        changed=[pb.Changed(uid=uid, flags=["\\Seen"], modseq=modseq) for uid, modseq in changed],
    )


def take(selected: Selected, reply: pb.ChangesReply) -> list[pb.Changed]:
    return [change for page in asyncio.run(selected.take(reply, Turns())) for change in page]


def reported_expunges(selected: Selected, *, vanished: bool) -> bytes:
    responses = b"".join(selected.report_expunges(vanished=vanished))
    asyncio.run(selected.forget_expunged(Turns()))
    return responses


def resolved(selected: Selected, sequence: SequenceSet, *, uid: bool = False, saved: NumberSet = NONE) -> list[int]:
    return list(asyncio.run(selected.resolve(sequence, uid=uid, saved=saved, turns=Turns())))


def uids(selected: Selected, text: bytes, *, uid: bool = False) -> list[int]:
    return resolved(selected, parse_sequence_set(text), uid=uid)


def test_sequence_numbers_and_uids_are_resolved_in_the_view() -> None:
    selected = view((5, 6), (9, 9))
    assert uids(selected, b"1:2") == [5, 6]
    assert uids(selected, b"*") == [9]
    assert uids(selected, b"7:*", uid=True) == [9]
    assert uids(selected, b"100:*", uid=True) == [9]
    assert resolved(selected, SAVED_RESULT, saved=NumberSet(((6, 8),))) == [6]


@pytest.mark.parametrize("text", [b"4", b"1:4"])
def test_a_number_above_the_count_is_no_message(text: bytes) -> None:
    with pytest.raises(NoSuchMessage):
        uids(view((5, 7)), text)


def test_a_star_in_an_empty_mailbox_is_no_message() -> None:
    with pytest.raises(NoSuchMessage):
        uids(view(), b"*")
    assert uids(view(), b"1:*", uid=True) == []


def test_new_mail_is_reported_once() -> None:
    selected = view((1, 3))
    take(selected, changes(11, added=(4, 5)))
    assert selected.report_exists() == b"* 5 EXISTS\r\n"
    assert selected.report_exists() == b""
    assert selected.uid_next == 6


def test_sequence_numbers_stay_until_the_client_is_notified() -> None:
    selected = view((1, 3))
    take(selected, changes(11, vanished=(1, 3)))
    assert uids(selected, b"3") == [3]
    assert selected.report_exists() == b""
    assert reported_expunges(selected, vanished=False) == b"* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"
    assert uids(selected, b"1") == [2]
    assert reported_expunges(selected, vanished=False) == b""


def test_vanished_takes_the_place_of_expunge() -> None:
    selected = view((1, 9))
    take(selected, changes(11, vanished=(2, 3, 7)))
    assert reported_expunges(selected, vanished=True) == b"* VANISHED 2:3,7\r\n"


def test_a_message_that_came_and_went_unnoticed_is_never_reported() -> None:
    selected = view((1, 2))
    take(selected, changes(11, added=(3, 4), vanished=(3,)))
    assert selected.report_exists() == b"* 3 EXISTS\r\n"
    assert reported_expunges(selected, vanished=False) == b""
    assert uids(selected, b"3") == [4]


def test_the_same_changes_twice_change_nothing() -> None:
    selected = view((1, 2))
    for _ in range(2):
        take(selected, changes(11, added=(3,), vanished=(1,)))
        assert selected.report_exists() in (b"* 3 EXISTS\r\n", b"")
        reported_expunges(selected, vanished=False)
    assert uids(selected, b"1:2") == [2, 3]


def test_flags_that_a_response_reported_are_not_reported_again() -> None:
    selected = view((1, 3))
    selected.note_reported(1, 11)
    selected.note_reported(2, 11)
    result = take(selected, changes(12, changed=((1, 11), (2, 12), (3, 12))))
    assert [entry.uid for entry in result] == [2, 3]


def test_forward_only_over_one_write_of_its_own() -> None:
    selected = view((1, 3))
    selected.advance(13)
    assert selected.version == 10
    selected.advance(11)
    assert selected.version == 11


def test_new_keywords_are_reported_once() -> None:
    selected = view((1, 1))
    assert b"$New" in selected.report_keywords(("$New", "$Work"))
    assert selected.report_keywords(("$New", "$Work", "\\Seen")) == b""


def test_the_number_of_the_client_stays_before_an_expunge_that_is_withheld() -> None:
    """RFC 7162 §6: the client may take the MODSEQ of a tagged response as the state that it knows."""
    selected = view((1, 3), version=10)
    selected.note_modseq(9)
    assert selected.corrected_modseq() == 0
    take(selected, changes(11, vanished=(2,)))
    take(selected, changes(13, changed=((3, 13),)))
    selected.advance(14)
    assert (selected.withholds_expunges, selected.known_version) == (True, 10)
    assert selected.corrected_modseq() == 10
    reported_expunges(selected, vanished=True)
    assert (selected.withholds_expunges, selected.known_version) == (False, 14)
    assert selected.corrected_modseq() == 0


def test_a_modseq_ahead_of_what_was_reported_is_corrected_once() -> None:
    selected = view((1, 3), version=10)
    selected.note_modseq(12)
    assert selected.corrected_modseq() == 10
    assert selected.corrected_modseq() == 0


class CountingTurns(Turns):
    """Counts the lines of Python that run before each piece of work is counted."""

    def __init__(self, lines: LineCount) -> None:
        super().__init__()
        self._lines = lines
        self._counted = 0
        self.most = 0

    def count(self, rows: int = 0, octets: int = 0, keys: int = 0, files: int = 0) -> None:
        self.most = max(self.most, self._lines.count - self._counted)
        self._counted = self._lines.count


def test_many_expunged_messages_leave_the_view_in_pieces() -> None:
    """Every second message of a large mailbox: they were removed in one piece, in hundreds of thousands of steps."""
    selected = view((1, 40_000))
    reply = changes(11)
    for first in range(1, 40_000, 2000):
        reply.vanished.append(
            pb.UidSet(bounds=[bound for uid in range(first, first + 2000, 2) for bound in (uid, uid)])
        )
    assert take(selected, reply) == []
    assert b"".join(selected.report_expunges(vanished=False)).count(b"EXPUNGE") == 20_000
    with LineCount() as lines:
        turns = CountingTurns(lines)
        asyncio.run(selected.forget_expunged(turns))
    assert 0 < turns.most < 40_000
    assert selected.report_exists() == b""
    assert list(selected.runs)[:3] == [2, 4, 6]


class Pages(list[pb.Changed]):
    """Changed messages that may only be read in small slices."""

    def __init__(self, number: int) -> None:
        super().__init__(pb.Changed(uid=uid, flags=["\\Seen"], modseq=11) for uid in range(1, number + 1))
        self.sizes: list[int] = []

    def __iter__(self) -> Iterator[pb.Changed]:
        raise AssertionError("all at once")

    def __getitem__(self, at: Any) -> Any:
        page = list.__getitem__(self, at)
        self.sizes.append(len(page))
        return page


@pytest.mark.parametrize("reported", [{}, {7: 11}])
def test_changed_messages_are_handed_out_in_pages(reported: dict[int, int]) -> None:
    """All changes of a large mailbox at once delayed every session for a tenth of a second, in Python's garbage
    collector."""
    changed = Pages(1000)
    pages = list(flag_pages(changed, reported))
    assert sum(map(len, pages)) == 1000 - len(reported)
    assert max(changed.sizes) <= 200


def test_very_many_gaps_are_ordered_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of UIDs that are gone come in any order; with many of them the loop sorts nothing."""
    monkeypatch.setattr(selected_module, "_SORTED_AT_ONCE", 3)
    opened = view(*((uid, uid) for uid in range(1, 40, 2)))
    take(opened, changes(11, vanished=(31, 33, 9, 7, 1, 21)))

    def not_here(_spans: object) -> NumberSet:
        raise AssertionError("ordered on the event loop")

    asyncio.run(opened.order_gone())
    monkeypatch.setattr(NumberSet, "of_ranges", not_here)
    assert reported_expunges(opened, vanished=True) == b"* VANISHED 1,7,9,21,31,33\r\n"
    assert not opened.withholds_expunges

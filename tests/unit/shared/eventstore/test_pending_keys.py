"""Pending keys: each is taken once, however many there are, and lost ones are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.pending_keys import IN_MEMORY, PendingKeys


def taken(pending: PendingKeys) -> list[tuple[str, tuple[object, ...]]]:
    keys = []
    while (item := pending.take()) is not None:
        keys.append(item)
    return keys


def test_keys_are_taken_once(tmp_path: Path) -> None:
    pending = PendingKeys(tmp_path)
    pending.add("a", [("x", 1), ("x", 2), ("x", 1)])
    pending.add("b", [(b"\x00",), ("x",)])
    assert sorted(map(repr, taken(pending))) == sorted(
        map(repr, [("a", ("x", 1)), ("a", ("x", 2)), ("b", (b"\x00",)), ("b", ("x",))])
    )
    assert pending.take() is None
    pending.close()


def test_more_keys_than_memory_holds(tmp_path: Path) -> None:
    pending = PendingKeys(tmp_path)
    keys = [("mailbox", number) for number in range(3 * IN_MEMORY + 7)]
    pending.add("entry", keys)
    pending.add("entry", keys)
    assert list(tmp_path.iterdir()) == []
    assert {key for _, key in taken(pending)} == set(keys)
    pending.add("entry", keys[:2])
    assert len(taken(pending)) == 2
    pending.close()


def test_keys_that_found_no_room_are_reported_and_disturb_nobody_else(tmp_path: Path) -> None:
    pending = PendingKeys(tmp_path / "absent")
    pending.add("entry", [("mailbox", number) for number in range(IN_MEMORY + 1)])
    pending.add("entry", [("mailbox", 1)])
    with pytest.raises(StoreUnavailable, match="no room"):
        pending.take()
    pending.close()


def test_what_comes_after_the_end_is_passed_over(tmp_path: Path) -> None:
    pending = PendingKeys(tmp_path)
    pending.close()
    pending.add("entry", [("mailbox", 1)])
    assert pending.take() is None

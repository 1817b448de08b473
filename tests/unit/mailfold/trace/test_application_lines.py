"""What the log says about scripts that were applied to a mailbox."""

from __future__ import annotations

import pytest

from mailfold.trace.application_lines import undo_advanced
from mailfold.trace.names import Names
from shared.events.applying import UndoAdvanced, UndoCounts


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (UndoCounts(1, 0, 1, 1, 0), "1 copy and 1 mailbox removed"),
        (UndoCounts(1, 0, 2, 0, 0), "2 copies and 0 mailboxes removed"),
    ],
)
def test_what_was_undone_is_counted_in_words(counts: UndoCounts, expected: str) -> None:
    (line,) = undo_advanced(UndoAdvanced("a1", "x1", -1, counts), Names([]))
    assert expected in line

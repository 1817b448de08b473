"""Every dialog, whole, octet by octet, and at random cuts: the same is said, the same events come, the same messages
are taken.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.shared.protocol.smtp.dialogs import DIALOGS, Dialog
from tests.unit.shared.protocol.smtp.shell import Shell, shell

_BY_NAME = pytest.mark.parametrize("dialog", DIALOGS, ids=lambda dialog: dialog.name)


def played(dialog: Dialog, size: int | None = None) -> Shell:
    """The dialog with the client's bytes in pieces of one size."""
    made = shell(dialog.config)
    for part in dialog.client:
        step = size or max(1, len(part or b""))
        made.hear_all([None] if part is None else [part[start : start + step] for start in range(0, len(part), step)])
    return made


def outcome(made: Shell) -> tuple[object, ...]:
    return bytes(made.said), made.events, made.messages, made.aborted, made.session.closed


@_BY_NAME
def test_whole(dialog: Dialog) -> None:
    made = played(dialog)
    assert bytes(made.said).decode() == dialog.server.decode()
    assert made.session.closed is dialog.closed


@_BY_NAME
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_in_small_pieces(dialog: Dialog, size: int) -> None:
    assert outcome(played(dialog, size)) == outcome(played(dialog))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_at_random_cuts(data: st.DataObject) -> None:
    dialog = data.draw(st.sampled_from(DIALOGS))
    made = shell(dialog.config)
    for part in dialog.client:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(part or b"")), max_size=12)))
        edges = [0, *cuts, len(part or b"")]
        made.hear_all([None] if part is None else [part[start:end] for start, end in itertools.pairwise(edges)])
    assert outcome(made) == outcome(played(dialog))

"""Lists of unique ids of a former server, and the messages that had them."""

from __future__ import annotations

import pytest

from shared.protocol.pop3.former_ids import (
    FormerId,
    FormerIdError,
    KnownBy,
    NumberedMessage,
    match_former_ids,
    read_former_ids,
)

HERE = [
    NumberedMessage(1, "e1", "e1", "a@x", 100),
    NumberedMessage(2, "e2", "e2", "b@x", 200),
    NumberedMessage(5, "e3", "e3", "a@x", 100),
]
BAD = [
    ("1 a@x\n1 b@x", KnownBy.MESSAGE_ID, "line 2: the unique id '1' is there twice"),
    ("1", KnownBy.MESSAGE_ID, "line 1: a unique id and a message-id are expected"),
    ("1 2 3", KnownBy.SIZE, "a unique id and a size are expected"),
    ("1 x", KnownBy.SIZE, "'x' is no size"),
    ("1 x", KnownBy.ORDER, "a unique id alone"),
    ("ü a@x", KnownBy.MESSAGE_ID, "visible ASCII"),
    ("x" * 71, KnownBy.ORDER, "1 to 70"),
]


def matched(text: str, known_by: KnownBy) -> tuple[dict[int, str], list[FormerId]]:
    found = match_former_ids(read_former_ids(text.splitlines(), known_by), HERE, known_by)
    return {message.uid: unique_id for message, unique_id in found.pairs}, found.left_over


def test_by_message_id_in_any_order_and_twins_in_theirs() -> None:
    text = "# old server\n\nu7 <b@x>\nu8 a@x\nu9 <gone@x>\nu10 <a@x>\n"
    assert matched(text, KnownBy.MESSAGE_ID) == ({2: "u7", 1: "u8", 5: "u10"}, [FormerId("u9", "gone@x")])


def test_by_size_and_by_order() -> None:
    assert matched("u1 0100\nu2 100\nu3 7", KnownBy.SIZE) == ({1: "u1", 5: "u2"}, [FormerId("u3", "7")])
    assert matched("u1\nu2\nu3", KnownBy.ORDER) == ({1: "u1", 2: "u2", 5: "u3"}, [])
    with pytest.raises(FormerIdError, match="the list has 1 lines, INBOX has 3 messages"):
        matched("u1", KnownBy.ORDER)


@pytest.mark.parametrize(("text", "known_by", "reason"), BAD)
def test_lists_that_cannot_be_used(text: str, known_by: KnownBy, reason: str) -> None:
    with pytest.raises(FormerIdError, match=reason):
        read_former_ids(text.splitlines(), known_by)

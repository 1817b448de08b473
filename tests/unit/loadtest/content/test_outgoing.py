"""Outgoing mail has exactly the requested size, and its bytes depend only on seed and number."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from loadtest.content.outgoing import outgoing

AUTHOR, RECIPIENT = "user00@bench.test", "friend7@bakery00.example"


@pytest.mark.parametrize("size", [500, 8192, 8193, 100_000])
def test_a_mail_has_the_requested_size(size: int) -> None:
    for number in range(20):
        data = outgoing(1, number, AUTHOR, RECIPIENT, size).data
        assert len(data) == size
        assert data.replace(b"\r\n", b"").find(b"\r") == data.replace(b"\r\n", b"").find(b"\n") == -1
        assert data.endswith(b"\r\n") and max(map(len, data.split(b"\r\n"))) < 200


def test_a_mail_is_from_its_author_to_its_recipient() -> None:
    mail = outgoing(1, 7, AUTHOR, RECIPIENT, 8192)
    assert (mail.reverse_path, mail.forward_path) == (AUTHOR, RECIPIENT)
    parsed = message_from_bytes(mail.data)
    assert (parsed["From"], parsed["To"]) == (f"<{AUTHOR}>", f"<{RECIPIENT}>")
    assert parsed["Message-ID"].startswith("<1.7.") and parsed["Message-ID"].endswith("@bench.test>")


def test_the_same_number_gives_the_same_bytes_and_another_number_others() -> None:
    first = outgoing(1, 1, AUTHOR, RECIPIENT, 2000)
    assert outgoing(1, 1, AUTHOR, RECIPIENT, 2000) == first
    others = [outgoing(1, 2, AUTHOR, RECIPIENT, 2000), outgoing(2, 1, AUTHOR, RECIPIENT, 2000)]
    assert len({mail.data[-500:] for mail in (first, *others)}) == 3


def test_a_size_without_room_for_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="less than 500"):
        outgoing(1, 1, AUTHOR, RECIPIENT, 499)

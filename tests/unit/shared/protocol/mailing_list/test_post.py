"""What a list takes as a post."""

from __future__ import annotations

import pytest

from shared.protocol.mailing_list.identity import identifiers_of
from shared.protocol.mailing_list.post import NoPost, no_post

DEVS = "devs@example.org"


@pytest.mark.parametrize(
    ("reverse_path", "header", "reason"),
    [
        ("ann@example.org", b"Subject: hello\r\n\r\n", None),
        ("ann@example.org", b"Auto-Submitted: no\r\n\r\n", None),
        ("ann@example.org", b"Auto-Submitted: No (a person); by=x\r\n\r\n", None),
        ("ann@example.org", b"List-Id: Others <others.example.org>\r\n\r\n", None),
        ("ann@example.org", b"X-Note: List-Id: <devs.example.org>\r\n\r\n", None),
        ("", b"Subject: hello\r\n\r\n", NoPost.NULL_SENDER),
        ("ann@example.org", b"Auto-Submitted: auto-replied\r\n\r\n", NoPost.AUTOMATIC),
        ("ann@example.org", b"auto-submitted:\r\n auto-generated; x=y\r\n\r\n", NoPost.AUTOMATIC),
        ("ann@example.org", b"List-Id: Devs <DEVS.example.org>\r\n\r\n", NoPost.LOOP),
        ("ann@example.org", b"List-Id: devs.example.org\r\n\r\n", NoPost.LOOP),
        ("ann@example.org", b"Delivered-To: ann@example.org\r\nDelivered-To: xdevs@example.org\r\n\r\n", None),
        ("ann@example.org", b"Delivered-To: devs.example@org\r\n\r\n", None),
        ("ann@example.org", b"Delivered-To: ann@b.c\r\ndelivered-to:\r\n <Devs@Example.org> \r\n\r\n", NoPost.LOOP),
        ("ann@example.org", b"List-Id: <a.b>\r\nList-Id:\r\n =?x?= <devs.example.org> \r\n\r\n", NoPost.LOOP),
    ],
)
def test_bounces_automatic_replies_and_loops_are_no_posts(reverse_path: str, header: bytes, reason: NoPost) -> None:
    assert no_post(DEVS, reverse_path, header) == reason


def test_every_list_id_is_read() -> None:
    assert identifiers_of(b"List-Id: <a.b>\r\nlist-id: \xff <C.d>\r\nList-Id: <x> <e.f>\r\n") == ["a.b", "c.d", "e.f"]

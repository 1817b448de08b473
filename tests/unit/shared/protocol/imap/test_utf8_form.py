"""ENVELOPE and BODYSTRUCTURE in the form for clients that have enabled UTF-8."""

from __future__ import annotations

import pytest

from shared.protocol.imap.utf8_form import quoted_utf8
from shared.protocol.imap.wire_string import literal, wire_string

TEXTS = [b"plain", b'with "quotes" and \\', b"{3}", b"a {2}\r\n", "Grüße".encode(), 'Tür "zu" \\'.encode(), b"\xff\xfe"]


def test_utf8_is_quoted_and_nothing_else_changes() -> None:
    before = b'ENVELOPE ("a \\"{3}" ' + literal("Grüße".encode()) + b" NIL)"
    assert quoted_utf8(before) == 'ENVELOPE ("a \\"{3}" "Grüße" NIL)'.encode()


@pytest.mark.parametrize("text", TEXTS)
def test_only_literals_of_utf8_without_line_ends_become_quoted(text: bytes) -> None:
    wire = b"(" + wire_string(text) + b" " + wire_string("ä".encode()) + b" NIL)"
    form = quoted_utf8(wire)
    if b"\r" in text or text == b"\xff\xfe":
        assert literal(text) in form
    else:
        assert b"{%d}\r\n" % len(text) not in form
    assert form.endswith('"ä" NIL)'.encode())
    assert quoted_utf8(form) == form  # a second time changes nothing


def test_long_text_remains_a_literal() -> None:
    wire = literal("ä".encode() * 600)
    assert quoted_utf8(wire) == wire


def test_nothing_to_do_costs_nothing() -> None:
    wire = b'ENVELOPE ("Sun, 22 Nov 2026" "Tea" NIL)'
    assert quoted_utf8(wire) is wire

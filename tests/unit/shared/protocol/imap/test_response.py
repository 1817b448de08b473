"""Responses as they are sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap import fetch_response as fr
from shared.protocol.imap import response as r
from shared.protocol.imap import response_code as rc
from shared.protocol.imap.commands import StatusItem
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import RefusedFrame
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.strings import string
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.wire_string import literal8, wire_mailbox, wire_nstring, wire_string

SOME = NumberSet(((1, 3), (5, 5)))
NONE = NumberSet()

RESPONSES = [
    (r.ok(b"a", "done"), b"a OK done\r\n"),
    (r.ok(r.UNTAGGED, "here", Code.READ_WRITE), b"* OK [READ-WRITE] here\r\n"),
    (r.no(b"a", "full", Code.OVERQUOTA), b"a NO [OVERQUOTA] full\r\n"),
    (r.bad(b"", "what?"), b"* BAD what?\r\n"),
    (r.bye("so long"), b"* BYE so long\r\n"),
    (r.no(b"a", "no\r\nb OK\0"), b"a NO no  b OK \r\n"),
    (r.ok(b"a", ""), b"a OK  \r\n"),
    (r.ok(b"a", "ü"), b"a OK ?\r\n"),
    (r.syntax_error(ImapSyntaxError("bad", b"a")), b"a BAD bad\r\n"),
    (r.syntax_error(ImapSyntaxError("bad")), b"* BAD bad\r\n"),
    (r.syntax_error(ImapSyntaxError("no", b"a", condition="NO", code=b"CANNOT")), b"a NO [CANNOT] no\r\n"),
    (r.refused(RefusedFrame(b"a", "NO", b"TOOBIG", "big")), b"a NO [TOOBIG] big\r\n"),
    (r.refused(RefusedFrame(b"", "NO", b"TOOBIG", "big")), b"* BAD [TOOBIG] big\r\n"),
    (r.refused(RefusedFrame(b"", "BYE", b"", "big")), b"* BYE big\r\n"),
    (r.continuation(), b"+ OK\r\n"),
    (r.continuation(b""), b"+ \r\n"),
    (r.exists(3), b"* 3 EXISTS\r\n"),
    (r.recent(0), b"* 0 RECENT\r\n"),
    (b"".join(r.expunges(SOME)), b"* 5 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n"),
    (b"".join(r.expunges(NONE)), b""),
    (b"".join(r.vanished(SOME)), b"* VANISHED 1:3,5\r\n"),
    (b"".join(r.vanished(SOME, earlier=True)), b"* VANISHED (EARLIER) 1:3,5\r\n"),
    (b"".join(r.vanished(NONE)), b""),
    (r.flags(["\\Seen", "x"]), b"* FLAGS (\\Seen x)\r\n"),
    (r.capability(["IMAP4rev1", "IDLE"]), b"* CAPABILITY IMAP4rev1 IDLE\r\n"),
    (r.enabled(["CONDSTORE"]), b"* ENABLED CONDSTORE\r\n"),
    (r.enabled([]), b"* ENABLED\r\n"),
    (r.list_("INBOX", ["\\HasNoChildren"]), b'* LIST (\\HasNoChildren) "/" "INBOX"\r\n'),
    (r.list_("Entwürfe"), b'* LIST () "/" "Entw&APw-rfe"\r\n'),
    (r.list_("Entwürfe", utf8=True), '* LIST () "/" "Entwürfe"\r\n'.encode()),
    (r.list_("a", child_info=["SUBSCRIBED"]), b'* LIST () "/" "a" ("CHILDINFO" ("SUBSCRIBED"))\r\n'),
    (r.list_('a"b\\', verb=b"LSUB"), b'* LSUB () "/" "a\\"b\\\\"\r\n'),
    (
        r.status("x", {StatusItem.MESSAGES: 2, StatusItem.MAILBOXID: "F1"}),
        b'* STATUS "x" (MESSAGES 2 MAILBOXID (F1))\r\n',
    ),
    (b"".join(r.search(SOME)), b"* SEARCH 1 2 3 5\r\n"),
    (b"".join(r.search(SOME, 9)), b"* SEARCH 1 2 3 5 (MODSEQ 9)\r\n"),
    (b"".join(r.search(NONE, 9)), b"* SEARCH\r\n"),
    (r.namespace([("", "/")], [("Users/", "/")]), b'* NAMESPACE (("" "/")) (("Users/" "/")) NIL\r\n'),
    (r.id_({"name": "Mailfold", "os": None}), b'* ID ("name" "Mailfold" "os" NIL)\r\n'),
    (r.id_({}), b"* ID NIL\r\n"),
    (r.quota("", [("STORAGE", 10, 512)]), b'* QUOTA "" (STORAGE 10 512)\r\n'),
    (r.quotaroot("INBOX", [""]), b'* QUOTAROOT "INBOX" ""\r\n'),
    (r.LIST_DELIMITER, b'* LIST (\\Noselect) "/" ""\r\n'),
]


@pytest.mark.parametrize(("wire", "expected"), RESPONSES, ids=lambda value: value.decode("latin-1")[:40])
def test_response(wire: bytes, expected: bytes) -> None:
    assert wire == expected


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (rc.uidnext(5), b"UIDNEXT 5"),
        (rc.uidvalidity(5), b"UIDVALIDITY 5"),
        (rc.unseen(5), b"UNSEEN 5"),
        (rc.highestmodseq(5), b"HIGHESTMODSEQ 5"),
        (rc.modified(SOME), b"MODIFIED 1:3,5"),
        (rc.permanentflags(["\\Seen"], new_keywords=True), b"PERMANENTFLAGS (\\Seen \\*)"),
        (rc.permanentflags([], new_keywords=False), b"PERMANENTFLAGS ()"),
        (rc.appenduid(7, SOME), b"APPENDUID 7 1:3,5"),
        (rc.copyuid(7, SOME, NumberSet(((9, 12),))), b"COPYUID 7 1:3,5 9:12"),
        (rc.mailboxid("F1"), b"MAILBOXID (F1)"),
        (rc.capability_code(["X"]), b"CAPABILITY X"),
    ],
)
def test_codes(code: bytes, text: bytes) -> None:
    assert r.ok(b"a", "x", code) == b"a OK [" + text + b"] x\r\n"


def test_fetch_is_put_together_from_its_items() -> None:
    items = [
        fr.uid_item(7),
        fr.flags_item(["\\Seen"]),
        fr.size_item(12),
        fr.internal_date_item(0),
        fr.modseq_item(9),
        fr.email_id_item("M1"),
        fr.thread_id_item(None),
        fr.ready_item(b"ENVELOPE", b"(NIL)"),
        fr.body_item(b"BODY[TEXT]<0>", b"a\r\n"),
        fr.body_item(b"BODY[9]", None),
        fr.binary_item(b"BINARY[1]", b"\0"),
        fr.binary_size_item(b"BINARY.SIZE[1]", 1),
    ]
    assert fr.fetch(2, items) == (
        b'* 2 FETCH (UID 7 FLAGS (\\Seen) RFC822.SIZE 12 INTERNALDATE " 1-Jan-1970 00:00:00 +0000" MODSEQ (9) EMAILID '
        b"(M1) THREADID NIL "
        b"ENVELOPE (NIL) BODY[TEXT]<0> {3}\r\na\r\n BODY[9] NIL BINARY[1] ~{1}\r\n\0 BINARY.SIZE[1] 1)\r\n"
    )


def test_a_body_can_go_past_the_response() -> None:
    before, after = fr.fetch_parts(2, [fr.uid_item(7)], b"BODY[]", 3)
    assert before + b"abc" + after == fr.fetch(2, [fr.uid_item(7), fr.body_item(b"BODY[]", b"abc")])


@given(st.binary(max_size=60).filter(lambda value: b"\0" not in value))
def test_strings_come_back(value: bytes) -> None:
    cursor = Cursor(wire_string(value))
    assert string(cursor) == value
    assert cursor.at_end()


def test_string_forms() -> None:
    assert wire_string(b"") == b'""'
    assert wire_string(b'a"\\') == b'"a\\"\\\\"'
    assert wire_string(b"a\r\n") == b"{3}\r\na\r\n"
    assert wire_string(b"\xc3\xbc") == b"{2}\r\n\xc3\xbc"
    assert wire_string(b"x" * 1001).startswith(b"{1001}\r\n")
    assert wire_nstring(None) == b"NIL"
    assert literal8(b"\0") == b"~{1}\r\n\0"
    assert wire_mailbox("NIL") == b'"NIL"'


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        (b"1 OK done\r\n", b"1 OK [HIGHESTMODSEQ 7] done\r\n"),
        (b"1 OK [MODIFIED 2] OK done\r\n", b"* OK [HIGHESTMODSEQ 7] Highest\r\n1 OK [MODIFIED 2] OK done\r\n"),
        (b"1 NO not OK so\r\n", b"* OK [HIGHESTMODSEQ 7] Highest\r\n1 NO not OK so\r\n"),
    ],
)
def test_a_code_finds_its_place(answer: bytes, stated: bytes) -> None:
    """A response has room for one code; a second one is sent before it."""
    assert r.with_code(answer, rc.highestmodseq(7), "Highest") == stated

"""Replies on the wire and in a DSN."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.smtp import replies
from shared.protocol.smtp.reference import REFERENCE_LENGTH, as_typed, reference
from shared.protocol.smtp.reply import LINE_LIMIT, Reply, with_cause, with_reference

_LINE = re.compile(rb"[2-5][0-9][0-9][- ][ -~]*")


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply(250, "2.0.0", ("OK",)), b"250 2.0.0 OK\r\n"),
        (Reply(354, None, ("Go",)), b"354 Go\r\n"),
        (Reply(334, None, ("",)), b"334 \r\n"),
        (Reply(250, None, ("mx", "SIZE 1", "DSN")), b"250-mx\r\n250-SIZE 1\r\n250 DSN\r\n"),
        (Reply(550, "5.1.1", ("No", "such")), b"550-5.1.1 No\r\n550 5.1.1 such\r\n"),
        (Reply(550, "5.1.1", ("No", "such"), "0123456789"), b"550-5.1.1 No\r\n550 5.1.1 such (ref 0123456789)\r\n"),
        (Reply(250, "2.0.0", ("OK",), "0123456789"), b"250 2.0.0 OK\r\n"),
        (Reply(550, "5.0.0", ("a\r\n250 OK",)), b"550 5.0.0 a??250 OK\r\n"),
        (Reply(550, "5.0.0", ("ä\0\x7f",)), b"550 5.0.0 ???\r\n"),
        (Reply(250, None, ()), b"250 \r\n"),
    ],
)
def test_encode(reply: Reply, wire: bytes) -> None:
    assert reply.encode() == wire


@given(
    st.integers(200, 599),
    st.none() | st.just("5.1.1"),
    st.lists(st.text(max_size=1200), max_size=3),
    st.none() | st.just("ABCDEFGHJK"),
)
def test_any_text_stays_inside_its_reply(code: int, enhanced: str | None, text: list[str], ref: str | None) -> None:
    lines = Reply(code, enhanced, tuple(text), ref).encode().split(b"\r\n")
    assert lines.pop() == b""
    assert all(_LINE.fullmatch(line) and len(line) + 2 <= LINE_LIMIT for line in lines)
    assert [line[3:4] for line in lines] == [b"-"] * (len(lines) - 1) + [b" "]


@given(st.lists(st.text(max_size=1200), max_size=3), st.none() | st.just("ABCDEFGHJK"))
def test_a_reply_in_utf8_stays_inside_its_lines(text: list[str], ref: str | None) -> None:
    """RFC 6531 §3.5: the client has asked for SMTPUTF8."""
    lines = Reply(550, "5.7.1", tuple(text), ref, utf8=True).encode().split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) + 2 <= LINE_LIMIT and line.decode() and b"\n" not in line for line in lines)
    assert {line[3:10] for line in lines[:-1]} <= {b"-5.7.1 "} and lines[-1].startswith(b"550 5.7.1 ")


def test_a_reply_in_utf8_is_not_cut_within_a_character() -> None:
    reply = with_reference(Reply(550, "5.7.1", ("ä" * 400,), utf8=True), "ABCDEFGHJK")
    assert b"".join(line[10:] for line in reply.encode().split(b"\r\n")).decode() == "ä" * 400 + " (ref ABCDEFGHJK)"
    assert reply.diagnostic.isascii()


def test_every_named_reply_is_well_formed() -> None:
    arguments = {"hostname": "mx.example.org", "banner": "Mailfold", "encoded": b"", "form": "NOOP", "keyword": "SIZE"}
    arguments |= {
        "lines": ("No mail", "from strangers"),
        "utf8": False,
        "octets": 5,
        "limit": 5,
        "mails_an_hour": 5,
        "queue_id": "q1",
        "seconds": 60,
        "until": "2026-01-01T00:00:00Z",
        "reason": "The password was changed",
    }
    named = [function for name, function in inspect.getmembers(replies, inspect.isfunction) if not name.startswith("_")]
    assert len(named) > 50
    for function in named:
        if function is not replies.hello and function.__module__ == replies.__name__:
            reply = function(**{name: arguments[name] for name in inspect.signature(function).parameters})
            assert all(_LINE.fullmatch(line) for line in reply.encode()[:-2].split(b"\r\n"))
            assert reply.enhanced is None or int(reply.enhanced[0]) == reply.code // 100
            assert reply.enhanced is not None or reply.code in {220, 250, 334, 354}


def test_a_reply_becomes_a_dsn() -> None:
    reply = with_cause(with_reference(Reply(550, "5.1.1", ("No such", "mailbox")), "ABCDEFGHJK"), "directory said no")
    assert reply.diagnostic == "smtp; 550 5.1.1 No such mailbox (ref ABCDEFGHJK)"
    assert reply.status == "5.1.1"
    assert Reply(421, None, ("",)).status == "4.0.0"
    assert b"directory" not in reply.encode()
    assert (reply.is_positive, reply.is_transient) == (False, False)
    assert replies.try_later().is_transient
    assert replies.start_mail_input().is_positive


def test_references_are_short_stable_and_distinct() -> None:
    made = {reference(session, counter) for session in ("a", "b", "a\0") for counter in range(1000)}
    assert len(made) == 3000
    assert all(re.fullmatch(f"[0-9A-HJKMNP-TV-Z]{{{REFERENCE_LENGTH}}}", text) for text in made)
    assert reference("a", 1) == reference("a", 1) == "S3XG8W1G22"


def test_a_reference_as_people_type_it() -> None:
    assert as_typed("abc-deo il1") == "ABCDE0111"

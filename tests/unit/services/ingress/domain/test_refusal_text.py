"""The reason of a script in an SMTP reply (RFC 5429 §2.1.1, §2.2, §2.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.domain.refusal_text import GENERAL, refusal_reply
from shared.protocol.smtp.reply import LINE_LIMIT


def lines(kind: str, reason: str, *, smtputf8: bool = False) -> tuple[str, ...] | None:
    reply = refusal_reply(kind, reason, smtputf8=smtputf8)
    if reply is None:
        return None
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
    return reply.text


@pytest.mark.parametrize("kind", ["reject", "ereject"])
def test_a_reason_in_ascii_is_said_line_by_line(kind: str) -> None:
    reason = "I am not taking mail from you.\r\n\r\nPlease\tcall  me."
    assert lines(kind, reason) == ("I am not taking mail from you.", "", "Please call me.")


@pytest.mark.parametrize("reason", ["", "\r\n \r\n", "\0\x07"])
def test_an_empty_reason_gets_a_general_text(reason: str) -> None:
    assert lines("ereject", reason) == (GENERAL,)


def test_a_long_line_is_broken_between_words() -> None:
    said = lines("reject", "word " * 100)
    assert said is not None and len(said) > 3
    assert all(len(line) <= 120 and not line.startswith(" ") for line in said)
    assert " ".join(said).split() == ["word"] * 100


def test_ereject_replaces_what_is_not_ascii() -> None:
    """RFC 5429 §2.1.1: an ASCII-only string takes the place of the reason."""
    assert lines("ereject", "Schöne Grüße – «nein»") == (GENERAL,)
    assert lines("ereject", "Schöne Grüße – nein") == ("Schone Grusse - nein",)
    assert lines("ereject", "Нет") == (GENERAL,)


def test_reject_leaves_what_is_not_ascii_to_a_report() -> None:
    """RFC 5429 §2.2: only a reason in ASCII is refused in the dialogue."""
    assert lines("reject", "Schöne Grüße") is None


@pytest.mark.parametrize("kind", ["reject", "ereject"])
def test_a_client_that_takes_utf8_gets_the_reason(kind: str) -> None:
    reply = refusal_reply(kind, "Schöne Grüße\nНет", smtputf8=True)
    assert reply is not None
    assert reply.encode() == "550-5.7.1 Schöne Grüße\r\n550 5.7.1 Нет\r\n".encode()


def test_ereject_cuts_a_long_reason_and_reject_leaves_it_to_a_report() -> None:
    reason = "\n".join(f"line {number}" for number in range(1000))
    said = lines("ereject", reason)
    assert said is not None and (len(said), said[0], said[-1]) == (20, "line 0", "...")
    assert lines("reject", reason) is None
    assert lines("reject", "x" * 100_000) is None


@given(
    st.sampled_from(["reject", "ereject"]),
    st.text(max_size=2000) | st.text("\r\n\t -. a", max_size=9000),
    st.booleans(),
)
def test_no_reason_leaves_its_reply(kind: str, reason: str, smtputf8: bool) -> None:
    reply = refusal_reply(kind, reason.encode(errors="replace").decode(), smtputf8=smtputf8)
    if reply is None:
        return
    wire = reply.encode().split(b"\r\n")
    assert wire.pop() == b""
    assert 1 <= len(wire) <= 20 and all(len(line) + 2 <= LINE_LIMIT for line in wire)
    assert all(line.startswith(b"550-5.7.1 ") for line in wire[:-1]) and wire[-1].startswith(b"550 5.7.1 ")
    assert smtputf8 or all(line.isascii() for line in wire)
    assert all(line.decode().isprintable() or smtputf8 for line in wire)

"""The transcript: both sides, no secrets, and never more than its limits."""

from __future__ import annotations

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.options import TlsMode
from shared.protocol.smtp.client.transcript import FIRST_LINES, LAST_LINES, LINE_OCTETS, Speaker, Transcript
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, hello, lines, opened, options, transaction


def said(made: Driver) -> list[str]:
    return [f"{line.speaker.value}: {line.text}" for line in made.session.transcript]


def test_both_sides_are_noted_and_the_message_is_not() -> None:
    made = opened(transaction("ann@example.net"), extensions=["PIPELINING"])
    made.hear(lines("250 ok", "250-a\x1b", "250 b", "354 go")).hear(b"250 kept\xff\r\n")
    assert said(made) == [
        "S: 220 mail.example.net ESMTP",
        "C: EHLO mx.example.org",
        "S: 250-mail.example.net",
        "S: 250 PIPELINING",
        "C: MAIL FROM:<bob@example.org>",
        "C: RCPT TO:<ann@example.net>",
        "C: DATA",
        "S: 250 ok",
        "S: 250-a\x1b",
        "S: 250 b",
        "S: 354 go",
        "C: (31 octets of the message)",
        "C: .",
        "S: 250 kept\\xff",
    ]
    made.session.clear_transcript()
    assert said(made) == []


def test_secrets_are_masked() -> None:
    credentials = ClientCredentials(name="ann", password="secret")
    made = driver(settings=options(TlsMode.ACTIVE, credentials=credentials)).hear(
        b"220 x\r\n", hello("AUTH PLAIN LOGIN")
    )
    assert said(made)[-1] == "C: AUTH PLAIN ***"
    made.hear(b"504 other\r\n", b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n")
    assert said(made)[-5:] == ["C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: ***", "S: 334 UGFzc3dvcmQ6", "C: ***"]


def test_it_is_limited() -> None:
    transcript = Transcript()
    for number in range(1000):
        transcript.client(b"%d %b" % (number, b"x" * 1000))
        transcript.server(b"\xff" * 1000)
    kept = transcript.lines
    assert len(kept) == FIRST_LINES + LAST_LINES
    assert transcript.dropped == 2000 - len(kept)
    assert max(len(line.text) for line in kept) == 4 * LINE_OCTETS  # as \\xNN
    assert kept[0].text.startswith("0 x")
    assert kept[-2].text.startswith("999 x")
    assert {line.speaker for line in kept} == {*Speaker}

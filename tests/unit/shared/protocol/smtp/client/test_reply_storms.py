"""Whatever the server sends, in whatever pieces: the session ends, and each recipient has exactly one result."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.events import TlsNeeded
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.outcome import ResultKind
from shared.protocol.smtp.client.transcript import FIRST_LINES, LAST_LINES
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, hello, transaction

_CODES = (220, 221, 235, 250, 251, 334, 354, 421, 432, 450, 451, 452, 454, 500, 502, 504, 530, 535, 550, 552, 554, 571)
_EXTENSIONS = (
    "PIPELINING",
    "STARTTLS",
    "AUTH PLAIN LOGIN SCRAM-SHA-256",
    "CHUNKING",
    "LIMITS MAILMAX=2 RCPTMAX=2",
    "DSN",
)
_LIKELY = st.sampled_from([b"220 x\r\n", b"250 x\r\n", b"354 x\r\n", b"235 x\r\n", b"334 \r\n", b"550 5.1.1 x\r\n"])
_REPLY = st.builds(
    lambda code, lines, end: b"".join([b"%d-%s\r\n" % (code, line) for line in lines]) + b"%d%s\r\n" % (code, end),
    st.sampled_from(_CODES),
    st.lists(st.binary(max_size=10).map(lambda text: text.replace(b"\n", b"")), max_size=3),
    st.sampled_from([b"", b" ", b" 5.7.1 no", b" 2.0.0 ok", b" 4.4.4"]),
)
_HELLO = st.lists(st.sampled_from(_EXTENSIONS), unique=True).map(lambda names: hello(*names))
_GARBAGE = st.binary(max_size=30) | st.sampled_from([b"250-" * 50, b"\r\n", b"x" * 9000, b"250-x\r\n" * 600])
_SERVER = st.lists(st.one_of(_LIKELY, _LIKELY, _HELLO, _HELLO, _REPLY, _GARBAGE), max_size=30)
_CREDENTIALS = ClientCredentials(name="user", password="pencil", scram_nonce="rOprNGfwEbeRWgbNEkqO")
_OPTIONS = st.builds(
    lambda tls, log_in, lmtp, chunks, flight: SessionOptions(
        hello_name="mx.example.org",
        tls=tls,
        credentials=_CREDENTIALS if log_in else None,
        lmtp=lmtp,
        prefer_chunking=chunks,
        chunk_size=8,
        max_flight=flight,
    ),
    st.sampled_from(TlsMode),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 5),
)
_RECIPIENTS = ("a@example.net", "b@example.org", "c@example.net")
_END_STAGES = frozenset({ResultKind.ACCEPTED, ResultKind.PERHAPS_DELIVERED})


def _play(made: Driver, octets: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=4)))
    for start, end in itertools.pairwise([0, *cuts, len(octets)]):
        made.hear(octets[start:end])
        if made.events and isinstance(made.events[-1], TlsNeeded) and data.draw(st.booleans()):
            made.established()


@settings(max_examples=400, deadline=None)
@given(_OPTIONS, _SERVER, st.booleans(), st.data())
def test_every_session_has_a_defined_end(
    given_options: SessionOptions, server: list[bytes], is_cut: bool, data: st.DataObject
) -> None:
    mails = [transaction(*_RECIPIENTS), transaction(*_RECIPIENTS)]
    made = driver(*mails, settings=given_options, quits=True)
    for octets in server:
        _play(made, octets, data)
    made = made.cut() if is_cut else made.time_out()
    assert made.session.closed
    sent = 2 - len(made.mails)
    assert [str(result.recipient.forward_path) for result in made.results] == [*_RECIPIENTS] * sent
    assert len(made.session.transcript) <= FIRST_LINES + LAST_LINES
    assert made.session.output() == b""
    assert b"pencil" not in str(made.session.transcript).encode()


@settings(max_examples=200, deadline=None)
@given(_OPTIONS, _SERVER, st.data())
def test_no_recipient_is_accepted_before_the_end_of_the_message_was_sent(
    given_options: SessionOptions, server: list[bytes], data: st.DataObject
) -> None:
    made = driver((transaction(*_RECIPIENTS), b"Subject: x\r\n\r\n"), settings=given_options)
    for octets in [b"220 x\r\n", hello("PIPELINING", "CHUNKING"), *server]:
        _play(made, octets, data)
    made.cut()
    is_ended = made.said.endswith((b"\r\n.\r\n", b"QUIT\r\n")) or b" LAST\r\n" in made.said
    assert is_ended or not [result for result in made.results if result.kind in _END_STAGES]

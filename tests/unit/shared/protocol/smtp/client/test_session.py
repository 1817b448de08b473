"""A message from the greeting to QUIT, and a result for each recipient."""

from __future__ import annotations

import pytest

from shared.protocol.smtp.client.events import BodyNeeded, Ready, SessionClosed, TransactionDone
from shared.protocol.smtp.client.outcome import ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.events import SessionMisuse
from tests.unit.shared.protocol.smtp.client.driver import driver, hello, lines, opened, transaction

_ENVELOPE = b"MAIL FROM:<bob@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n"
_MESSAGE = b"Subject: hello\r\n\r\n..a dot\r\nend\r\n.\r\n"
_STARTED = lines("250 2.1.0 ok", "250 2.1.5 ok", "354 go on")


def test_a_message_without_extensions_goes_in_single_steps() -> None:
    made = driver(transaction("ann@example.net"), quits=True)
    said = [
        made.hear(line).taken()
        for line in (
            b"220 mail.example.net\r\n",
            b"250 mail.example.net\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"354 go\r\n",
            b"250 kept\r\n",
            b"221 bye\r\n",
        )
    ]
    assert said == [
        b"EHLO mx.example.org\r\n",
        b"MAIL FROM:<bob@example.org>\r\n",
        b"RCPT TO:<ann@example.net>\r\n",
        b"DATA\r\n",
        _MESSAGE,
        b"QUIT\r\n",
        b"",
    ]
    assert [type(event) for event in made.events] == [Ready, BodyNeeded, TransactionDone, SessionClosed]
    assert made.session.closed


def test_a_message_with_pipelining_goes_in_one_flight() -> None:
    made = opened(transaction("ann@example.net"))
    assert made.taken() == _ENVELOPE
    assert made.hear(_STARTED).taken() == _MESSAGE
    made.hear(b"250 2.0.0 kept as 42\r\n")
    (result,) = made.results
    assert (result.kind, result.stage, result.status) == (ResultKind.ACCEPTED, Stage.END, "2.0.0")
    assert result.reply is not None
    assert (result.reply.code, result.reply.text) == (250, ("kept as 42",))
    assert made.session.is_reusable


def test_each_recipient_has_its_own_result() -> None:
    made = opened(transaction("a@example.net", "b@example.net", "c@example.net"))
    made.hear(lines("250 ok", "250 ok", "550 5.1.1 unknown", "451 4.7.1 greylisted", "354 go"))
    made.hear(lines("250 2.0.0 kept"))
    assert [
        (str(result.recipient.forward_path), result.kind, result.stage, result.status) for result in made.results
    ] == [
        ("a@example.net", ResultKind.ACCEPTED, Stage.END, "2.0.0"),
        ("b@example.net", ResultKind.REFUSED, Stage.RCPT, "5.1.1"),
        ("c@example.net", ResultKind.DEFERRED, Stage.RCPT, "4.7.1"),
    ]
    assert made.session.is_reusable


def test_a_connection_carries_several_messages() -> None:
    made = opened(transaction("a@example.net"), transaction("b@example.net"))
    made.hear(_STARTED, lines("250 kept")).taken()
    made.hear(_STARTED, lines("451 not now"))
    assert [result.kind for result in made.results] == [ResultKind.ACCEPTED, ResultKind.DEFERRED]
    assert made.session.is_reusable


def test_no_transaction_is_taken_while_a_reply_is_outstanding() -> None:
    made = opened(transaction("a@example.net"))
    assert not made.session.is_reusable
    with pytest.raises(SessionMisuse):
        made.session.send(transaction("b@example.net"))
    with pytest.raises(SessionMisuse):
        made.session.quit()


def test_every_cut_gives_the_same_result() -> None:
    server = (
        b"220 hi\r\n",
        hello("PIPELINING", "SIZE"),
        _STARTED,
        lines("250-2.0.0 it is", "250 2.0.0 kept"),
        b"221 x\r\n",
    )
    whole = driver(transaction("ann@example.net"), quits=True).hear(*server)
    octets = driver(transaction("ann@example.net"), quits=True)
    for part in server:
        octets.hear(*[part[index : index + 1] for index in range(len(part))])
    assert (octets.events, octets.said) == (whole.events, whole.said)
    assert octets.session.transcript == whole.session.transcript

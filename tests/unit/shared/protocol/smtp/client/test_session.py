"""A message from the greeting to QUIT, and a result for each recipient."""

from __future__ import annotations

import base64
import gc
import weakref

import pytest

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.events import BodyNeeded, Ready, SessionClosed, TransactionDone
from shared.protocol.smtp.client.options import TlsMode
from shared.protocol.smtp.client.outcome import ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.events import SessionMisuse
from shared.protocol.smtp.reply import Reply
from tests.unit.shared.protocol.smtp.client.driver import driver, hello, lines, opened, options, transaction

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


@pytest.mark.parametrize(("extensions", "passed"), [(["DSN"], [True, False]), ([], [False, False])])
def test_the_result_says_whether_the_server_took_over_the_notifications(
    extensions: list[str], passed: list[bool]
) -> None:
    made = opened(transaction("a@example.net", "b@example.net"), extensions=extensions)
    made.hear(*[line + b"\r\n" for line in (b"250 ok", b"250 ok", b"550 no", b"354 go", b"250 kept")])
    assert [result.dsn_passed for result in made.results] == passed


def test_a_message_without_recipients_is_done_at_once() -> None:
    made = opened(transaction(), quits=True)
    assert made.events[1:] == [TransactionDone((), True)]
    assert made.taken() == b"QUIT\r\n"


def test_ready_says_what_the_connection_is() -> None:
    made = driver(settings=options(TlsMode.OPPORTUNISTIC)).hear(b"220 x\r\n", hello("STARTTLS"), b"454 4.7.0 no\r\n")
    (ready,) = made.events
    assert isinstance(ready, Ready)
    assert (ready.capabilities.name, ready.tls_active, ready.mechanism) == ("mail.example.net", False, None)
    assert ready.tls_refusal == Reply(454, "4.7.0", ("no",))
    credentials = ClientCredentials(name="ann", password="secret")
    made = driver(settings=options(TlsMode.ACTIVE, credentials=credentials)).hear(
        b"220 x\r\n", hello("AUTH PLAIN"), b"235 hi\r\n"
    )
    (ready,) = made.events
    assert isinstance(ready, Ready)
    assert (ready.tls_active, ready.mechanism) == (True, "PLAIN")


def test_a_long_initial_response_waits_for_its_challenge() -> None:
    """RFC 4954 §4: the AUTH line keeps the limit of a command line."""
    credentials = ClientCredentials(name="ann", token="t" * 2000)
    made = driver(settings=options(TlsMode.ACTIVE, credentials=credentials)).hear(b"220 x\r\n", hello("AUTH XOAUTH2"))
    assert made.taken().endswith(b"\r\nAUTH XOAUTH2\r\n")
    response = made.hear(b"334 \r\n").taken()
    assert base64.b64decode(response) == b"user=ann\x01auth=Bearer " + b"t" * 2000 + b"\x01\x01"
    made.hear(b"334 eyJ9\r\n")
    assert made.taken() == b"\r\n"


def test_a_session_that_is_dropped_at_any_step_leaves_nothing_behind() -> None:
    for step in range(7):
        made = driver(transaction("ann@example.net"))
        made.hear(*(b"220 x\r\n", hello("CHUNKING"), b"250 x\r\n", b"250 x\r\n", b"354 x\r\n", b"250 x")[:step])
        reference = weakref.ref(made.session)
        del made
        gc.collect()
        assert (step, reference()) == (step, None)

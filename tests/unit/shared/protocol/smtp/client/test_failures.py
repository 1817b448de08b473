"""A session that fails, at every line and octet: a defined outcome for each recipient."""

from __future__ import annotations

import pytest

from shared.protocol.smtp.client.events import SessionFailed, TlsNeeded, TransactionDone
from shared.protocol.smtp.client.options import TlsMode
from shared.protocol.smtp.client.outcome import FailureCause, ResultKind, failure_status
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.events import SessionMisuse
from shared.protocol.smtp.reply import Reply
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, hello, lines, opened, options, transaction

_REPLIES = [b"220 hi\r\n", hello(), b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 2.0.0 kept\r\n", b"221 bye\r\n"]
_STAGES = [Stage.GREETING, Stage.HELLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END]


@pytest.mark.parametrize("cause", [FailureCause.CUT, FailureCause.TIME_OUT])
@pytest.mark.parametrize("answered", range(len(_STAGES)))
def test_an_interruption_at_every_octet(answered: int, cause: FailureCause) -> None:
    for octets in range(len(_REPLIES[answered])):
        made = driver(transaction("ann@example.net"), quits=True).hear(*_REPLIES[:answered])
        made.hear(_REPLIES[answered][:octets])
        made = made.cut() if cause is FailureCause.CUT else made.time_out()
        assert (made.failure.stage, made.failure.cause) == (_STAGES[answered], cause)
        assert [result.kind for result in made.results] == (
            [] if answered < 2 else [ResultKind.DEFERRED if answered < 5 else ResultKind.PERHAPS_DELIVERED]
        )
        assert made.session.closed


def test_a_message_whose_end_was_not_handed_out_was_not_delivered() -> None:
    made = opened(transaction("ann@example.net"))
    made.hold_body = True
    made.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    made.session.body(b"x\r\n")
    made.session.end_body()
    made.cut()
    assert [(result.kind, result.stage) for result in made.results] == [(ResultKind.DEFERRED, Stage.END)]


def test_an_interruption_while_the_message_is_sent() -> None:
    made = opened(transaction("ann@example.net"))
    made.hold_body = True
    made.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    made.session.body(b"x\r\n")
    made.work()
    made.time_out()
    assert [(result.kind, result.stage, result.cause) for result in made.results] == [
        (ResultKind.DEFERRED, Stage.BODY, FailureCause.TIME_OUT)
    ]


@pytest.mark.parametrize(
    ("reply", "cause", "kind", "status"),
    [
        ("552 5.3.4 too large", FailureCause.EARLY_REFUSAL, ResultKind.REFUSED, "5.3.4"),
        ("451 4.3.0 disk", FailureCause.EARLY_REFUSAL, ResultKind.DEFERRED, "4.3.0"),
        ("421 4.3.2 bye", FailureCause.CLOSING, ResultKind.DEFERRED, "4.3.2"),
        ("250 2.0.0 kept", FailureCause.PROTOCOL_ERROR, ResultKind.DEFERRED, "4.5.0"),
    ],
)
def test_a_reply_before_the_end_of_the_message(reply: str, cause: FailureCause, kind: ResultKind, status: str) -> None:
    made = opened(transaction("ann@example.net"))
    made.hold_body = True
    made.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    made.session.body(b"x\r\n")
    made.hear(lines(reply)).taken()
    assert made.failure.cause is cause
    assert [(result.kind, result.status) for result in made.results] == [(kind, status)]
    assert not made.session.takes_body
    made.session.body(b"y\r\n")
    made.session.end_body()
    made.work()
    assert made.taken() == b""


def test_a_reply_that_is_there_before_its_command_is_not_its_reply() -> None:
    made = driver(transaction("ann@example.net")).hear(lines("220 hi") + hello())
    assert (made.failure.cause, made.failure.stage) == (FailureCause.PROTOCOL_ERROR, Stage.HELLO)


def test_a_421_that_is_there_before_its_command_counts() -> None:
    made = driver(transaction("ann@example.net")).hear(lines("220 hi", "421 4.3.2 closing"))
    assert (made.failure.cause, made.failure.stage) == (FailureCause.CLOSING, Stage.HELLO)


def test_a_surplus_reply_ends_the_connection_and_not_the_result() -> None:
    made = opened(transaction("ann@example.net"))
    made.hear(b"250 ok\r\n250 ok\r\n354 go\r\n", b"250 kept\r\n250 kept\r\n")
    assert [type(event) for event in made.events[-2:]] == [TransactionDone, SessionFailed]
    assert [result.kind for result in made.results] == [ResultKind.ACCEPTED]
    assert made.failure.cause is FailureCause.PROTOCOL_ERROR


def test_octets_of_an_unfinished_reply_make_a_connection_unusable() -> None:
    made = opened()
    assert made.session.is_reusable
    made.hear(b"4")
    assert not made.session.is_reusable
    made.hear(b"21 closing\r\n")
    assert (made.failure.cause, made.failure.stage) == (FailureCause.CLOSING, Stage.IDLE)


@pytest.mark.parametrize("tail", [b"250 x\r\n", b"\x16\x03\x01", b"\r", b"2"])
def test_octets_before_the_handshake_end_the_session(tail: bytes) -> None:
    for pieces in ([b"220 go\r\n" + tail], [b"220 go\r\n", tail]):
        made = driver(settings=options(TlsMode.OPPORTUNISTIC)).hear(b"220 x\r\n", hello("STARTTLS"), *pieces)
        assert made.failure.cause is FailureCause.PLAINTEXT_INJECTED
        made.established()
        assert made.taken() == b"EHLO mx.example.org\r\nSTARTTLS\r\n"


def test_what_was_offered_in_the_clear_is_forgotten() -> None:
    made = driver(settings=options(TlsMode.OPPORTUNISTIC)).hear(b"220 x\r\n", hello("STARTTLS", "DSN"), b"220 go\r\n")
    assert made.events == [TlsNeeded()]
    made.established()
    assert not made.session.capabilities.dsn
    assert made.session.tls_active


def test_the_handshake_fails() -> None:
    made = driver(settings=options(TlsMode.OPPORTUNISTIC)).hear(b"220 x\r\n", hello("STARTTLS"), b"220 go\r\n")
    made.session.tls_failed("certificate has expired")
    made.work()
    assert (made.failure.stage, made.failure.cause, made.failure.text) == (
        Stage.HANDSHAKE,
        FailureCause.TLS_FAILED,
        "certificate has expired",
    )


def test_a_handshake_that_nobody_asked_for_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(SessionMisuse):
        opened().session.tls_established()


def test_nothing_happens_after_the_end() -> None:
    made = opened().cut()
    seen = len(made.events)
    made.hear(b"250 ok\r\n").cut().time_out()
    made.session.quit()
    made.session.tls_failed("late")
    with pytest.raises(SessionMisuse):
        made.session.send(transaction("ann@example.net"))
    assert (len(made.events), made.session.closed, made.session.output()) == (seen, True, b"")


@pytest.mark.parametrize(
    ("cause", "reply", "status"),
    [
        (FailureCause.CONNECT_REFUSED, Reply(554, "5.7.1", ("no",)), "5.7.1"),
        (FailureCause.CONNECT_REFUSED, Reply(421, None, ("busy",)), "4.0.0"),
        (FailureCause.TLS_REFUSED, Reply(502, "5.5.1", ("no",)), "4.7.10"),
        (FailureCause.AUTH_REFUSED, Reply(535, "5.7.8", ("no",)), "4.7.8"),
        (FailureCause.CUT, None, "4.4.2"),
        (FailureCause.BAD_BODY, None, "5.6.0"),
    ],
)
def test_a_fault_of_tls_or_the_log_in_never_looks_permanent(
    cause: FailureCause, reply: Reply | None, status: str
) -> None:
    assert SessionFailed(Stage.GREETING, cause, reply).status == status


def test_every_cause_has_a_status() -> None:
    assert all(failure_status(cause, None)[0] == "4" for cause in FailureCause if cause is not FailureCause.BAD_BODY)


def test_words_of_a_refusal_are_kept() -> None:
    made = driver().hear(b"554-mail.example.net\r\n554 5.7.1 Blocked, see https://example.net\r\n")
    assert made.failure.reply is not None
    assert made.failure.reply.text == ("mail.example.net", "5.7.1 Blocked, see https://example.net")


def test_a_host_name_that_cannot_be_sent() -> None:
    made: Driver = driver(settings=options(TlsMode.NEVER, lmtp=True))
    broken = type(made.session)(type(options())(hello_name="a b"))
    broken.receive(b"220 x\r\n")
    failed = broken.next_event()
    assert isinstance(failed, SessionFailed)
    assert (failed.cause, failed.text) == (FailureCause.HELLO_REFUSED, "a domain is not valid")

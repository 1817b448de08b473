"""How long the session waits, and for what; and how much of a message it keeps."""

from __future__ import annotations

from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.timeouts import Stage, Timeouts
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, hello, opened, options, transaction


def wait(made: Driver) -> tuple[Stage, float | None]:
    return made.session.stage, made.session.timeout


def test_the_least_times_of_the_rfc() -> None:
    """RFC 5321 §4.5.3.2."""
    made = driver(transaction("ann@example.net"), quits=True)
    made.hold_body = True
    replies = (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n")
    waits = [wait(made), *[wait(made.hear(reply)) for reply in replies]]
    made.session.body(b"x\r\n")
    made.session.end_body()
    waits += [wait(made), wait(made.hear(b"250 x\r\n")), wait(made.hear(b"221 x\r\n"))]
    assert waits == [
        (Stage.GREETING, 300),
        (Stage.HELLO, 300),
        (Stage.MAIL, 300),
        (Stage.RCPT, 300),
        (Stage.DATA, 120),
        (Stage.BODY, 180),
        (Stage.END, 600),
        (Stage.QUIT, 10),
        (Stage.IDLE, None),
    ]


def test_the_caller_may_take_its_time_while_the_session_is_idle() -> None:
    assert wait(opened()) == (Stage.IDLE, None)


def test_the_handshake_has_a_time_of_its_own() -> None:
    settings = options(TlsMode.REQUIRED, timeouts=Timeouts(handshake=7, starttls=6))
    made = driver(settings=settings).hear(b"220 x\r\n", hello("STARTTLS"))
    assert wait(made) == (Stage.STARTTLS, 6)
    assert wait(made.hear(b"220 go\r\n")) == (Stage.HANDSHAKE, 7)
    assert wait(made.established()) == (Stage.HELLO, 300)


def test_a_flight_waits_for_the_reply_that_comes_next() -> None:
    made = opened(transaction("ann@example.net"), extensions=["PIPELINING"])
    seen = [wait(made)[0], *[wait(made.hear(reply))[0] for reply in (b"250 x\r\n", b"250 x\r\n")]]
    assert seen == [Stage.MAIL, Stage.RCPT, Stage.DATA]


def test_single_octets_do_not_start_the_timer_again() -> None:
    made = opened(transaction("ann@example.net"), extensions=["PIPELINING"])
    start = made.session.waits
    made.hear(b"2", b"5", b"0", b"-x\r\n", b"250")
    assert made.session.waits == start
    made.hear(b" y\r\n")
    assert made.session.waits > start


def test_every_part_of_the_message_starts_the_timer_again() -> None:
    made = opened(transaction("ann@example.net"))
    made.hold_body = True
    made.hear(b"250 x\r\n", b"250 x\r\n", b"354 x\r\n")
    seen = [made.session.waits]
    for _ in range(3):
        made.session.body(b"x\r\n")
        seen.append(made.session.waits)
    assert seen == sorted(set(seen))


def chunked(extensions: tuple[str, ...]) -> Driver:
    settings = SessionOptions(hello_name="mx.example.org", tls=TlsMode.NEVER, chunk_size=4)
    made = opened(transaction("ann@example.net", binary=True), extensions=extensions, settings=settings)
    made.hold_body = True
    made.hear(b"250 x\r\n", b"250 x\r\n").taken()
    return made


def test_chunks_without_pipelining_wait_for_room() -> None:
    made = chunked(("CHUNKING", "BINARYMIME"))
    assert made.session.body_room
    made.session.body(b"abcdef")
    assert not made.session.body_room
    made.session.body(b"ghi")
    made.work()
    assert made.taken() == b"BDAT 4\r\nabcd"
    made.hear(b"250 x\r\n")
    assert made.taken() == b"BDAT 4\r\nefgh"
    made.session.end_body()
    made.work()
    assert made.taken() == b""
    assert wait(made) == (Stage.BODY, 180)
    made.hear(b"250 x\r\n")
    assert made.taken() == b"BDAT 1 LAST\r\ni"
    assert wait(made) == (Stage.END, 600)


def test_a_flight_is_limited() -> None:
    settings = options(max_flight=4)
    recipients = [f"a{number}@example.net" for number in range(10)]
    made = opened(transaction(*recipients), extensions=["PIPELINING"], settings=settings)
    assert made.taken().count(b"\r\n") == 4
    made.hear(b"250 x\r\n250 x\r\n")
    assert made.taken().count(b"\r\n") == 2
    made.hear(b"250 x\r\n" * 9)
    assert made.taken().endswith(b"DATA\r\n")

"""Whatever the server sends, in whatever pieces: the session ends, and each recipient has exactly one result.

Each number is a server of its own: mostly in order, sometimes refusing, sometimes broken. The same number is always
the same server.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.events import SessionFailed
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.outcome import FailureCause, ResultKind
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transcript import FIRST_LINES, LAST_LINES
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, hello, transaction

SERVERS = 1500
_ORDER = 0.9  # of the replies fit
_CODES = (220, 221, 235, 250, 251, 334, 354, 421, 432, 450, 451, 452, 454, 500, 502, 504, 530, 535, 550, 552, 554, 571)
_TAILS = (b"", b" ", b" ok", b" 5.7.1 no", b" 2.0.0 ok", b" 4.4.4", b" \x00\xff\x1b", b" 5.7.1", b"-x\r\n250 y", b"x")
_EXTENSIONS = (
    "PIPELINING",
    "STARTTLS",
    "AUTH PLAIN LOGIN",
    "CHUNKING",
    "LIMITS MAILMAX=2 RCPTMAX=2",
    "SMTPUTF8",
)
_GARBAGE = (
    b"\r\n",
    b"\xff\xfe",
    b"x" * 9000,
    b"250-x\r\n" * 600,
    b"250",
    b"250-x\n",
    b"421 x\r\n",
    b"HTTP/1.1 400 Bad\r\n",
)
# what a server in order says at each stage; elsewhere it says 250
_FITTING = {
    Stage.GREETING: b"220 x\r\n",
    Stage.STARTTLS: b"220 x\r\n",
    Stage.AUTH: b"235 x\r\n",
    Stage.DATA: b"354 x\r\n",
    Stage.QUIT: b"221 x\r\n",
}
_CREDENTIALS = ClientCredentials(name="user", password="pencil")
_RECIPIENTS = ("a@example.net", "b@example.org", "анна@example.net")
_BODY = b"Subject: x\r\n\r\n.\r\n"


def _options(source: random.Random) -> SessionOptions:
    return SessionOptions(
        hello_name="mx.example.org",
        tls=source.choice(list(TlsMode)),
        credentials=_CREDENTIALS if source.random() < 0.3 else None,
        lmtp=source.random() < 0.3,
        prefer_chunking=source.random() < 0.5,
        chunk_size=8,
        max_flight=source.randint(1, 5),
    )


def _answer(stage: Stage, source: random.Random) -> bytes:
    if source.random() < _ORDER:
        if stage is Stage.HELLO:
            return hello(*source.sample(_EXTENSIONS, source.randint(2, len(_EXTENSIONS))))
        return _FITTING.get(stage, b"250 2.0.0 x\r\n")
    if source.random() < 0.7:
        return b"%d%b\r\n" % (source.choice(_CODES), source.choice(_TAILS))
    return source.choice(_GARBAGE) if source.random() < 0.7 else source.randbytes(source.randint(1, 30))


def _say(made: Driver, octets: bytes, source: random.Random) -> None:
    cuts = sorted(source.randint(0, len(octets)) for _ in range(source.randint(0, 3)))
    for start, end in itertools.pairwise([0, *cuts, len(octets)]):
        made.hear(octets[start:end])


def play(number: int) -> Driver:
    source = random.Random(number)
    mails = [(transaction(*_RECIPIENTS), _BODY) for _ in range(3)]
    made = driver(*mails, settings=_options(source), quits=True)
    for _ in range(source.randint(1, 60)):
        if made.session.stage is Stage.HANDSHAKE and source.random() < 0.9:
            made.established()
        elif made.session.closed:
            break
        else:
            _say(made, _answer(made.session.stage, source), source)
    return made.cut() if source.random() < 0.5 else made.time_out()


def test_every_session_has_a_defined_end() -> None:
    kinds: Counter[ResultKind] = Counter()
    causes: Counter[FailureCause] = Counter()
    for number in range(SERVERS):
        made = play(number)
        sent = 3 - len(made.mails)
        recipients = [result.recipient.forward_path.localpart for result in made.results]
        assert (number, made.session.closed, made.session.output()) == (number, True, b"")
        assert (number, recipients) == (number, ["a", "b", "анна"] * sent)
        assert len(made.session.transcript) <= FIRST_LINES + LAST_LINES
        kinds.update(result.kind for result in made.results)
        causes.update(event.cause for event in made.events if isinstance(event, SessionFailed))
    # so that the servers above reach what they are meant to reach
    assert {*kinds} == {
        ResultKind.ACCEPTED,
        ResultKind.REFUSED,
        ResultKind.DEFERRED,
        ResultKind.PERHAPS_DELIVERED,
        ResultKind.UNSENT,
        ResultKind.NEEDS_SMTPUTF8,
    }
    assert {*causes} == {*FailureCause} - {FailureCause.BAD_BODY, FailureCause.EARLY_REFUSAL, FailureCause.TLS_FAILED}


def test_nobody_is_accepted_before_the_end_of_a_message_was_sent() -> None:
    for number in range(SERVERS):
        made = play(number)
        ended = made.said.count(b"\r\n..\r\n.\r\n") + made.said.count(b" LAST\r\n")
        accepted = [result for result in made.results if result.kind is ResultKind.ACCEPTED]
        assert not accepted or ended, number


def test_no_secret_is_in_a_transcript() -> None:
    secrets = ("pencil", "cGVuY2ls", "AHVzZXIAcGVuY2ls")
    for number in range(SERVERS):
        made = play(number)
        text = "\n".join(line.text for line in made.session.transcript)
        assert (number, [secret for secret in secrets if secret in text]) == (number, [])

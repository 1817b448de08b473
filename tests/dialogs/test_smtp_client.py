"""The dialogs of the SMTP client: the script plays the server, whole and cut byte by byte."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from shared.protocol.address.address import Address, parse_address
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.events import ClientEvent, SessionClosed, SessionFailed, TransactionDone
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.session import ClientSession
from shared.protocol.smtp.client.transaction import OutgoingTransaction
from shared.protocol.smtp.commands import Notify, Orcpt, Rcpt, Ret
from tests.dialogs.script import Act, Script, Step, read_script, scripts
from tests.unit.shared.protocol.smtp.client.driver import BODY, Driver, options, transaction

FOLDER = Path(__file__).parent / "smtp-client"
_PASSWORD = ClientCredentials(name="ann@example.org", password="secret")
_TOKEN = ClientCredentials(name="ann@example.org", token="ya29.token")
_SCRAM = ClientCredentials(name="user", password="pencil", scram_nonce="rOprNGfwEbeRWgbNEkqO")
_SEVERAL = ("a@example.net", "b@example.net", "c@example.net")
_REPORTED = (
    Rcpt(
        parse_address("a@example.net"), frozenset({Notify.FAILURE, Notify.SUCCESS}), Orcpt("rfc822", "A+x@example.org")
    ),
    Rcpt(parse_address("b@example.net"), frozenset({Notify.NEVER})),
)

SESSIONS: dict[str, SessionOptions] = {
    "clear": options(),
    "opportunistic": options(TlsMode.OPPORTUNISTIC),
    "required": options(TlsMode.REQUIRED),
    "implicit": options(TlsMode.ACTIVE),
    "submission": options(TlsMode.REQUIRED, credentials=_PASSWORD),
    "login-in-clear": options(TlsMode.NEVER, credentials=_PASSWORD),
    "submissions": options(TlsMode.ACTIVE, credentials=_PASSWORD),
    "token": options(TlsMode.ACTIVE, credentials=_TOKEN),
    "scram": options(TlsMode.ACTIVE, credentials=_SCRAM),
    "chunks": options(prefer_chunking=True, chunk_size=16),
    "lmtp": options(lmtp=True),
}
MAILS: dict[str, tuple[OutgoingTransaction, bytes]] = {
    "mail": (transaction("ann@example.net", size=32), BODY),
    "bounce": (transaction("ann@example.net", sender=None), b"Subject: x\r\n\r\nno line end"),
    "several": (transaction(*_SEVERAL), BODY),
    "eight-bit": (transaction("ann@example.net", eight_bit=True), "Subject: x\r\n\r\nä\r\n".encode()),
    "binary": (transaction("ann@example.net", binary=True), b"Subject: x\r\n\r\n\n.\n\0"),
    "utf8-header": (transaction("ann@example.net", smtputf8=True), "Subject: ä\r\n\r\n".encode()),
    "utf8-recipient": (transaction("ann@example.net", "анна@пример.example"), BODY),
    "utf8-only": (transaction("анна@example.net"), BODY),
    "utf8-domain": (transaction("ann@bücher.example", sender="bob@bücher.example"), BODY),
    "not-parsed": (OutgoingTransaction(reverse_path=None, recipients=(Rcpt(Address("x", "a.example\r\nDATA")),)), BODY),
    "reported": (transaction(*_REPORTED, ret=Ret.HEADERS, envid="q+1"), BODY),
    "secured": (transaction("ann@example.net", require_tls=True), BODY),
    "several-domains": (transaction("a@a.example", "b@b.example", "c@a.example", "d@c.example"), BODY),
    "large": (transaction("ann@example.net", size=2000), BODY),
    "bare-newline": (transaction("ann@example.net"), b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<>\r\n"),
}


def outcomes(event: ClientEvent) -> list[str]:
    """An event as the lines of a script name it."""
    match event:
        case TransactionDone(results, reusable):
            end = "done, reusable" if reusable else "done"
        case SessionFailed():
            results, end = event.results, f"failed at {event.stage.value}: {event.cause.name}"
        case SessionClosed():
            results, end = (), "closed"
        case _:
            return []
    lines = [f"{result.recipient.forward_path!s} {result.kind.value}, {result.status}" for result in results]
    return [line.replace("\r\n", "\\r\\n") for line in (*lines, end)]


class Play:
    """One script against one session."""

    def __init__(self, script: Script, cut: int | None) -> None:
        session, *mails = script.listener.split()
        self._script = script
        self._cut = cut
        self._driver = Driver(ClientSession(SESSIONS[session]), [MAILS[name] for name in mails], piece=cut)
        self._seen = 0  # events that the script has named

    def run(self) -> None:
        for act, steps in groupby(self._script.steps, lambda step: step.act):
            self._steps(act, list(steps))
        assert self._driver.taken() == b""
        assert self._outcomes() == []
        assert self._driver.session.closed

    def _steps(self, act: Act, steps: list[Step]) -> None:
        driver, place = self._driver, f"{self._script.name}:{steps[0].number}"
        match act:
            case Act.EXPECT:
                data = b"".join(step.data for step in steps)
                size = self._cut or len(data)
                driver.hear(*[data[start : start + size] for start in range(0, len(data), size)])
            case Act.SEND:
                assert (place, driver.taken()) == (place, b"".join(step.data for step in steps))
            case Act.OUTCOME:
                expected = [step.data.decode() for step in steps]
                seen = self._outcomes()
                assert (place, seen) == (place, expected)
            case Act.TLS:
                driver.established()
            case Act.CLOSED:
                driver.cut()
            case Act.TIMEOUT:
                driver.time_out()
            case _:
                raise AssertionError(place)

    def _outcomes(self) -> list[str]:
        events = self._driver.events[self._seen :]
        self._seen = len(self._driver.events)
        return [line for event in events for line in outcomes(event)]


@pytest.mark.parametrize("cut", [None, 1, 7], ids=["whole", "cut", "cut-7"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
def test_dialog(path: Path, cut: int | None) -> None:
    Play(read_script(path, {}), cut).run()


def test_every_message_and_session_is_used() -> None:
    words = {word for path in scripts(FOLDER) for word in read_script(path, {}).listener.split()}
    assert words == {*SESSIONS, *MAILS}

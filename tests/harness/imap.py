"""An IMAP client over TLS: imaplib, with results in a form that tests can compare."""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.harness.waiting import PATIENCE, until

_TIMEOUT = 60.0
imaplib._MAXLINE = 10_000_000  # type: ignore[attr-defined]  # a BODYSTRUCTURE of 500 levels is one line


class No(AssertionError):
    """A command was answered NO or BAD."""


class Imap:
    """`with Imap(port, tls, login, password) as imap`: logged in."""

    def __init__(self, port: int, tls: ssl.SSLContext, login: str, password: str) -> None:
        """Connect and log in. Raises imaplib.IMAP4.error when the log-in is refused."""
        self.connection = imaplib.IMAP4_SSL("localhost", port, ssl_context=tls, timeout=_TIMEOUT)
        # imaplib writes a literal and the end of its command separately: with Nagle's algorithm each APPEND would wait
        # 40 ms.
        self.connection.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.login(_quoted(login), password)

    def select(self, mailbox: str = "INBOX") -> int:
        """Select a mailbox; returns its number of messages."""
        return int(self._done(self.connection.select(_quoted(mailbox)))[0])

    def count(self, mailbox: str) -> int:
        """The number of messages, by STATUS MESSAGES."""
        line = self._done(self.connection.status(_quoted(mailbox), "(MESSAGES)"))[0]
        return int(line.rpartition(b"MESSAGES ")[2].rstrip(b")"))

    def uids(self, *criteria: str) -> list[int]:
        """All UIDs of the selected mailbox, by UID SEARCH."""
        line = self._done(self.connection.uid("SEARCH", *criteria))[0]
        return [int(word) for word in (line or b"").split()]

    def uids_of_text(self, key: str, text: str) -> list[int]:
        """UID SEARCH with a key (BODY, TEXT, SUBJECT…) and a text in UTF-8, which is sent as a literal."""
        self.connection.literal = text.encode()  # type: ignore[assignment]
        return self.uids("CHARSET", "UTF-8", key)

    def find(self, message_id: str) -> list[int]:
        """UIDs of the messages with this Message-ID."""
        self.connection.noop()
        return self.uids("HEADER", "Message-ID", f'"<{message_id}>"')

    def wait_for(self, message_id: str, mailbox: str = "INBOX", seconds: float = PATIENCE) -> int:
        """Wait for the only message with this Message-ID; returns its UID. `mailbox` is selected afterwards."""
        self.select(mailbox)
        outcome = until(lambda: self.find(message_id), f"{message_id} in {mailbox}", seconds)
        assert len(outcome) == 1, outcome
        return outcome[0]

    def fetch(self, uid: int, what: str = "BODY.PEEK[]") -> bytes:
        """The literal of one FETCH response, or its line when it has none."""
        answer = self._done(self.connection.uid("FETCH", str(uid), f"({what})"))
        lines = [entry for entry in answer if entry is not None]
        if not lines:
            raise No(f"FETCH {uid} {what}: nothing")
        # Flags that another client changed may be sent before the requested data (RFC 3501 §7).
        asked = next((entry for entry in lines if isinstance(entry, tuple)), lines[0])
        return bytes(asked[1] if isinstance(asked, tuple) else asked)

    def attributes(self, uid: int, what: str) -> bytes:
        """One FETCH response as received, with literals in their places."""
        answer = self._done(self.connection.uid("FETCH", str(uid), f"({what})"))
        return b"".join(
            b"\r\n".join(entry) if isinstance(entry, tuple) else entry for entry in answer if entry is not None
        )

    def flags(self, uid: int) -> set[str]:
        """The flags of a message."""
        return {flag.decode() for flag in imaplib.ParseFlags(self.fetch(uid, "FLAGS"))}

    def store(self, uid: int, change: str) -> None:
        r"""Change flags: `+FLAGS (\Seen)` and so on."""
        self._done(self.connection.uid("STORE", str(uid), change))

    def move(self, uids: str, mailbox: str) -> None:
        """UID MOVE; `uids` is a sequence set."""
        self._done(self.connection.uid("MOVE", uids, _quoted(mailbox)))

    def append(self, mailbox: str, data: bytes, flags: str = "") -> None:
        """APPEND."""
        self._done(self.connection.append(_quoted(mailbox), flags, "", data))

    def responses(self, name: str) -> list[bytes | None]:
        """The untagged responses of this name since they were last requested."""
        _, result = self.connection.response(name)
        return [entry for entry in result if entry is not None]

    def idle(self) -> Idle:
        """Begin IDLE: `with imap.idle() as idle: idle.wait_for(b"EXISTS")`."""
        return Idle(self.connection)

    def command(self, line: bytes) -> None:
        """Send one tagged command. Raises No."""
        tag = self.connection._new_tag()
        self.connection.send(tag + b" " + line + b"\r\n")
        answer = _line_until(self.connection, lambda entry: entry.startswith(tag))
        if not answer.startswith(tag + b" OK"):
            raise No(answer.decode("utf-8", "replace"))

    def close(self) -> None:
        """Log out."""
        self.connection.logout()

    def _done(self, answer: tuple[str, list[Any]]) -> list[Any]:
        if answer[0] != "OK":
            raise No(f"{answer[0]} {answer[1]}")
        return answer[1]

    def __enter__(self) -> Imap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.connection.shutdown()


class Idle:
    """IDLE (RFC 2177) on a connection with a selected mailbox."""

    def __init__(self, connection: imaplib.IMAP4_SSL) -> None:
        self._connection = connection
        self._tag = b""

    def __enter__(self) -> Idle:
        self._tag = self._connection._new_tag()
        self._connection.send(self._tag + b" IDLE\r\n")
        _line_until(self._connection, lambda line: line.startswith(b"+"))
        return self

    def wait_for(self, word: bytes) -> bytes:
        """The next untagged line with this word; the socket's timeout limits the wait."""
        return _line_until(self._connection, lambda line: line.startswith(b"* ") and word in line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._connection.send(b"DONE\r\n")
            _line_until(self._connection, lambda line: line.startswith(self._tag))


def _line_until(connection: imaplib.IMAP4_SSL, expected: Callable[[bytes], bool]) -> bytes:
    while not expected(line := connection.readline().rstrip(b"\r\n")):
        if not line:
            raise ConnectionError("the server closed the connection")
    return line


def _quoted(mailbox: str) -> str:
    return f'"{mailbox}"'

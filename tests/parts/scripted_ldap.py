"""An LDAP server that answers as a test says, also as no honest server would (RFC 4511)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType

BIND_RESPONSE, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE = 0x61, 0x64, 0x65, 0x73
_SEARCH_REQUEST, _BIND_REQUEST, _UNBIND_REQUEST = 0x63, 0x60, 0x42
_PAGED = b"1.2.840.113556.1.4.319"
Answer = Callable[[bytes, int], Iterable[bytes]]


def ber(tag: int, *parts: bytes) -> bytes:
    """An element with a definite length (ITU-T X.690 §8.1)."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(octets))) + octets + content


def message(number: bytes, *parts: bytes) -> bytes:
    """A message with the id of its request."""
    return ber(0x30, number, *parts)


def done(number: bytes, code: int = 0, *, cookie: bytes = b"", referral: bytes = b"", tag: int = SEARCH_DONE) -> bytes:
    """The end of a search, with the place of the next page, or a referral."""
    refer = ber(0xA3, ber(0x04, referral)) if referral else b""
    result = ber(tag, ber(0x0A, bytes((code,))), ber(0x04), ber(0x04), refer)
    if not cookie:
        return message(number, result)
    value = ber(0x30, ber(0x02, b"\0"), ber(0x04, cookie))
    return message(number, result, ber(0xA0, ber(0x30, ber(0x04, _PAGED), ber(0x04, value))))


def entry(number: bytes, dn: str, values: Mapping[str, Iterable[bytes]]) -> bytes:
    """An entry of a search."""
    attributes = [
        ber(0x30, ber(0x04, name.encode()), ber(0x31, *(ber(0x04, value) for value in items)))
        for name, items in values.items()
    ]
    return message(number, ber(SEARCH_ENTRY, ber(0x04, dn.encode()), ber(0x30, *attributes)))


class ScriptedLdap:
    """`with ScriptedLdap(search) as server`: `search` gives the octets of the answer to a search.

    It gets the id of the request, and how many searches there were before. Binds succeed; `silent` answers nothing.
    """

    def __init__(self, search: Answer, *, silent: bool = False, bind_referral: bytes = b"") -> None:
        self._search = search
        self._silent = silent
        self._bind_referral = bind_referral
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ScriptedLdap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        searches = 0
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while request := _request(stream.read):
                number, operation = request
                if self._silent or operation == _UNBIND_REQUEST:
                    continue
                if operation == _BIND_REQUEST:
                    code = 10 if self._bind_referral else 0
                    connection.sendall(done(number, code, tag=BIND_RESPONSE, referral=self._bind_referral))
                elif operation == _SEARCH_REQUEST:
                    for octets in self._search(number, searches):
                        connection.sendall(octets)
                    searches += 1


def _request(read: Callable[[int], bytes]) -> tuple[bytes, int] | None:
    """The message id, as an element, and the tag of the operation of the next request; None at the end."""
    header = read(2)
    if len(header) < 2:
        return None
    size = int.from_bytes(read(header[1] - 0x80), "big") if header[1] >= 0x80 else header[1]
    content = read(size)
    return content[: content[1] + 2], content[content[1] + 2]

"""The HTTP answer that carries a policy: only 200 and plain text, within limits (RFC 8461 §3.3, RFC 9112).

A request asks for one policy and for the end of the connection, so only one answer is read.
"""

from __future__ import annotations

import re

from shared.protocol.mta_sts.policy import MOST_OCTETS

MOST_HEADER_OCTETS = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\Z")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,6})[ \t]*(?:;[^\r\n]*)?\r\n")
_LONGEST_CHUNK_LINE = 200
_LEAST_CHUNK = 16
"""Octets that each chunk counts for at least, so that the number of tiny chunks is limited as well."""


class BadAnswer(ValueError):
    """An answer that carries no policy."""


def policy_request(host: str) -> bytes:
    """The request for the policy at a host `mta-sts.<domain>`."""
    lines = ("GET /.well-known/mta-sts.txt HTTP/1.1", f"Host: {host}", "Accept: text/plain", "Connection: close")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


class PolicyAnswer:
    """Takes the octets of an answer until its body is complete."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._header: dict[bytes, bytes] | None = None
        self._content = bytearray()
        self._chunks = 0
        self._is_over = False

    def receive(self, octets: bytes) -> bytes | None:
        """Take octets; empty ones are the end of the connection. Returns the body once it is complete.

        Raises BadAnswer for an answer that is refused, too long, or cut.
        """
        self._received += octets
        self._is_over = not octets
        if self._header is None and not self._read_header():
            if self._is_over:
                raise BadAnswer("the connection ended before the answer")
            return None
        body = self._body()
        if body is None and self._is_over:
            raise BadAnswer("the connection ended before the whole policy")
        return body

    def _read_header(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if (end if end >= 0 else len(self._received)) > MOST_HEADER_OCTETS:
            raise BadAnswer(f"the header of the answer is longer than {MOST_HEADER_OCTETS} octets")
        if end < 0:
            return False
        lines = bytes(self._received[:end]).split(b"\r\n")
        del self._received[: end + 4]
        self._header = _checked_header(lines)
        return True

    def _body(self) -> bytes | None:
        header = self._header or {}
        if header.get(b"transfer-encoding"):
            return self._chunked()
        length = header.get(b"content-length")
        if length is not None:
            return self._counted(length)
        _check_size(len(self._received))
        return bytes(self._received) if self._is_over else None

    def _counted(self, text: bytes) -> bytes | None:
        if not text.isdigit() or len(text) > 10:
            raise BadAnswer("the answer has no valid Content-Length")
        length = int(text)
        _check_size(length)
        return bytes(self._received[:length]) if len(self._received) >= length else None

    def _chunked(self) -> bytes | None:
        """The body of a chunked answer (RFC 9112 §7.1); its trailer is not read. Chunks are taken as they come."""
        while (line := _CHUNK.match(self._received)) is not None:
            length, start = int(line[1], 16), line.end()
            if not length:
                return bytes(self._content)
            self._chunks += 1
            _check_size(max(len(self._content) + length, self._chunks * _LEAST_CHUNK))
            if len(self._received) < start + length + 2:
                self._chunks -= 1
                return None
            if self._received[start + length : start + length + 2] != b"\r\n":
                raise BadAnswer("a chunk of the answer has a wrong length")
            self._content += self._received[start : start + length]
            del self._received[: start + length + 2]
        if b"\r\n" in self._received or len(self._received) > _LONGEST_CHUNK_LINE:
            raise BadAnswer("the answer is not chunked as it says")
        return None


def _checked_header(lines: list[bytes]) -> dict[bytes, bytes]:
    status = _STATUS.match(lines[0])
    if status is None:
        raise BadAnswer("the answer is not HTTP")
    if status[1] != b"200":
        raise BadAnswer(f"the answer has the status {status[1].decode()}; redirects are not followed")
    header: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.match(name):
            raise BadAnswer("the header of the answer cannot be read")
        header.setdefault(name.lower(), value.strip(b" \t"))
    kind = header.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"text/plain":
        raise BadAnswer("the answer is not text/plain")
    encoding = header.get(b"transfer-encoding", b"chunked").lower()
    if encoding != b"chunked" or header.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadAnswer("the answer is encoded in a way that was not asked for")
    return header


def _check_size(octets: int) -> None:
    if octets > MOST_OCTETS:
        raise BadAnswer(f"the policy is longer than {MOST_OCTETS} octets")

"""A strict reader of IMAP parenthesised lists (RFC 3501 §4): what it accepts is valid syntax."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(rb"[0-9]+")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")

Value = Any  # None, int, bytes, or a list of these


def read_list(data: bytes) -> Value:
    """The value of `data`. Raises AssertionError when it is not exactly one value."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(data):
        if data[at : at + 1] == b"(":
            stack.append([])
            at += 1
        elif data[at : at + 1] == b")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
            at = _space(data, at)
        else:
            value, at = _atom(data, at)
            stack[-1].append(value)
            assert data[at : at + 1] in (b" ", b")", b""), data[at : at + 20]
            at = _space(data, at)
    assert len(stack) == 1, "unbalanced"
    assert len(stack[0]) == 1
    return stack[0][0]


def _space(data: bytes, at: int) -> int:
    if data[at : at + 1] != b" ":
        return at
    assert data[at + 1 : at + 2] not in (b" ", b")", b""), "stray space"
    return at + 1


def _atom(data: bytes, at: int) -> tuple[Value, int]:
    if data.startswith(b"NIL", at):
        return None, at + 3
    if match := _NUMBER.match(data, at):
        return int(match[0]), match.end()
    if match := _QUOTED.match(data, at):
        return match[1].replace(rb"\"", b'"').replace(rb"\\", b"\\"), match.end()
    match = _LITERAL.match(data, at)
    assert match, data[at : at + 40]
    end = match.end() + int(match[1])
    literal = data[match.end() : end]
    assert len(literal) == int(match[1])
    assert b"\x00" not in literal
    return literal, end


def check_envelope(envelope: bytes) -> Value:
    """Check that the ENVELOPE has ten fields of the right types."""
    fields = read_list(envelope)
    assert len(fields) == 10
    for index in (0, 1, 8, 9):
        assert fields[index] is None or isinstance(fields[index], bytes)
    for addresses in fields[2:8]:
        assert addresses is None or (addresses and all(len(address) == 4 for address in addresses))
    return fields


def check_body(value: Value, extended: bool) -> int:
    """Check a body of RFC 3501 §9, without recursion; returns how many bodies it contains."""
    bodies, waiting = 0, [value]
    while waiting:
        body = waiting.pop()
        bodies += 1
        if isinstance(body[0], list):
            waiting += _multipart(body, extended)
        else:
            waiting += _single(body, extended)
    return bodies


def _multipart(body: Value, extended: bool) -> list[Value]:
    inner = [item for item in body if isinstance(item, list)]
    count = next(index for index, item in enumerate(body) if not isinstance(item, list))
    assert isinstance(body[count], bytes)
    rest = body[count + 1 :]
    assert len(rest) == (4 if extended else 0)
    if extended:
        _check_parameters(rest[0])
        _check_disposition(rest[1])
    return inner[:count]


def _single(body: Value, extended: bool) -> list[Value]:
    media_type, subtype, parameters, _id, _description, encoding, octets = body[:7]
    assert (
        isinstance(media_type, bytes)
        and isinstance(subtype, bytes)
        and isinstance(encoding, bytes)
        and isinstance(octets, int)
    )
    _check_parameters(parameters)
    rest, inner = body[7:], []
    if (media_type, subtype) == (b"message", b"rfc822"):  # RFC 3501 §9 media-message: no other subtype
        assert len(rest[0]) == 10
        assert isinstance(rest[2], int)
        inner, rest = [rest[1]], rest[3:]
    elif media_type == b"text":
        assert isinstance(rest[0], int)
        rest = rest[1:]
    assert len(rest) == (4 if extended else 0)
    if extended:
        _check_disposition(rest[1])
    return inner


def _check_parameters(parameters: Value) -> None:
    assert parameters is None or (
        parameters and len(parameters) % 2 == 0 and all(isinstance(parameter, bytes) for parameter in parameters)
    )


def _check_disposition(disposition: Value) -> None:
    if disposition is not None:
        kind, parameters = disposition
        assert isinstance(kind, bytes)
        _check_parameters(parameters)

"""The test `envelope` (RFC 5228 §5.4), with subaddress, envelope-dsn and envelope-deliverby (RFC 6009 §3, §5)."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.environment import SieveEnvelope
from shared.protocol.sieve.mail.address_part import AddressPart, address_part
from shared.protocol.sieve.mail.header import envelope_address
from shared.protocol.sieve.program import RunFailed, SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import ADDRESS_TAGS, MATCH_TAGS, STRINGS, NodeSignature
from shared.protocol.sieve.validate.text import ScriptText

ADDRESSES: dict[bytes, Callable[[SieveEnvelope], str]] = {
    b"from": lambda envelope: envelope.sender,
    b"to": lambda envelope: envelope.recipient,
    b"auth": lambda envelope: envelope.authenticated,
}
OTHERS: dict[bytes, tuple[str, Callable[[SieveEnvelope], tuple[str, ...]]]] = {
    b"notify": ("envelope-dsn", lambda envelope: envelope.notify),
    b"orcpt": ("envelope-dsn", lambda envelope: _given(envelope.orcpt)),
    b"ret": ("envelope-dsn", lambda envelope: _given(envelope.ret)),
    b"envid": ("envelope-dsn", lambda envelope: _given(envelope.envid)),
    b"bytimeabsolute": ("envelope-deliverby", lambda envelope: _given(envelope.by_time_absolute)),
    b"bytimerelative": ("envelope-deliverby", lambda envelope: _given(envelope.by_time_relative)),
    b"bymode": ("envelope-deliverby", lambda envelope: _given(envelope.by_mode)),
    b"bytrace": ("envelope-deliverby", lambda envelope: _given(envelope.by_trace)),
}
"""The envelope parts that are no addresses, with the extension of each."""


def _given(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _envelope(scope: Scope, arguments: Arguments) -> SieveCondition:
    names = arguments.texts(0)
    for name in names:
        if name.constant is not None:
            _check_name(scope, name, name.constant.lower())
    part = address_part(arguments)
    matches = compile_match(scope, arguments, arguments.texts(1))

    def condition(run: ScriptRun) -> bool:
        if not run.environment.has_envelope:
            raise RunFailed("there is no envelope here")
        return matches(run, [value for name in names for value in _values(run, name.value(run).lower(), part)])

    return condition


def _check_name(scope: Scope, name: ScriptText, constant: bytes) -> None:
    if constant in OTHERS:
        scope.need(name.place, (OTHERS[constant][0],), f'the envelope part "{constant.decode()}"')
    elif constant not in ADDRESSES:
        scope.error(name.place, f'there is no envelope part "{constant[:60].decode("utf-8", "replace")}"')


def _values(run: ScriptRun, name: bytes, part: AddressPart) -> list[bytes]:
    if name in OTHERS:
        return [value.encode() for value in OTHERS[name][1](run.envelope)]
    if name not in ADDRESSES:
        raise RunFailed("there is no such envelope part")
    path = ADDRESSES[name](run.envelope)
    if not path:
        return [b""] if name == b"from" else []
    value = part(run, envelope_address(path))
    return [] if value is None else [value]


TESTS = (
    TestDefinition(
        NodeSignature("envelope", (STRINGS, STRINGS), (*MATCH_TAGS, *ADDRESS_TAGS), ("envelope",)), _envelope
    ),
)

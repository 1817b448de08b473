"""Collects the ARC sets of a header and checks their structure (RFC 8617 §5.2, steps 1 to 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.protocol.arc.fields import (
    MESSAGE_SIGNATURE,
    RESULTS,
    SEAL,
    Seal,
    read_instance,
    read_results,
    read_seal,
)
from shared.protocol.arc.result import MOST_OCTETS, MOST_SETS
from shared.protocol.dkim.canonical import HeaderFields, canonical_field, signing_input
from shared.protocol.dkim.signature import UnacceptableSignature
from shared.protocol.dkim.tags import DkimSyntaxError

NAMES = (RESULTS, MESSAGE_SIGNATURE, SEAL)
"""The fields of a set, in the order in which a seal covers them (§5.1.1)."""


class ArcSet(NamedTuple):
    """The fields of one set, each without its final CRLF."""

    results: bytes
    signature: bytes
    seal: Seal

    @property
    def fields(self) -> tuple[bytes, bytes, bytes]:
        """The fields in the order in which a seal covers them."""
        return self.results, self.signature, self.seal.field


class Chain(NamedTuple):
    """The chain of a message; its structure is right when there is no fault."""

    sets: tuple[ArcSet, ...] = ()
    """The sets, oldest first; none when there is a fault."""
    instance: int = 0
    """The highest instance value."""
    is_ended: bool = False
    """The newest seal says cv=fail."""
    fault: str = ""


class _Faulty(Exception):
    """The structure is wrong."""


def read_chain(header: HeaderFields, field_octets: int) -> Chain:
    """The chain of a header, of whose fields none has more than `field_octets`. It never raises."""
    fields = {name: header.named(name) for name in NAMES}
    by_instance, fault = _sorted(fields, field_octets)
    instance = max((number for number, _ in by_instance), default=0)
    if fault or not instance:
        return Chain((), instance, _says_fail(by_instance.get((instance, SEAL))), fault)
    if _says_fail(by_instance.get((instance, SEAL))):
        return Chain((), instance, is_ended=True, fault="the newest seal says cv=fail")
    try:
        return Chain(tuple(_set(by_instance, number) for number in range(1, instance + 1)), instance)
    except _Faulty as error:
        return Chain((), instance, fault=str(error))


def canonical_fields(sets: Iterable[ArcSet]) -> list[bytes]:
    """The fields of the sets in relaxed form with CRLF, in the order in which a seal covers them (§5.1.1)."""
    return [canonical_field(field, "relaxed") + b"\r\n" for item in sets for field in item.fields]


def sealed_octets(canonical: Iterable[bytes], seal_field: bytes) -> bytes:
    """What a seal signs: the canonical fields, and the seal itself with an empty b= and without CRLF (§5.1.1)."""
    return b"".join(canonical) + signing_input((), seal_field, "relaxed")


_ByInstance = dict[tuple[int, bytes], bytes]


def _sorted(fields: dict[bytes, list[bytes]], field_octets: int) -> tuple[_ByInstance, str]:
    """The fields by instance value and name, and the first fault."""
    by_instance: _ByInstance = {}
    every = [(name, field) for name in NAMES for field in fields[name]]
    fault = _size_fault(every, field_octets)
    for name, field in every[: len(NAMES) * (MOST_SETS + 1)]:
        if len(field) > field_octets:
            continue
        try:
            key = read_instance(name, field), name
        except DkimSyntaxError as error:
            fault = fault or str(error)
            continue
        if by_instance.setdefault(key, field) is not field:
            fault = fault or f"instance {key[0]} has a field twice"
    return by_instance, fault


def _size_fault(every: list[tuple[bytes, bytes]], field_octets: int) -> str:
    if any(len(field) > field_octets for _, field in every):
        return "a field is too long"
    if len(every) > len(NAMES) * MOST_SETS:
        return "more than 50 sets"
    return "the chain is too long" if sum(len(field) for _, field in every) > MOST_OCTETS else ""


def _says_fail(field: bytes | None) -> bool:
    """Whether a seal is well-formed and says cv=fail."""
    if field is None:
        return False
    try:
        return read_seal(field).status == "fail"
    except (DkimSyntaxError, UnacceptableSignature):
        return False


def _set(by_instance: _ByInstance, number: int) -> ArcSet:
    results, signature, seal_field = (by_instance.get((number, name)) for name in NAMES)
    if results is None or signature is None or seal_field is None:
        raise _Faulty(f"instance {number} is not complete")
    try:
        read_results(results)
        seal = read_seal(seal_field)
    except (DkimSyntaxError, UnacceptableSignature) as error:
        raise _Faulty(f"instance {number}: {error}") from None
    if seal.status != ("none" if number == 1 else "pass"):
        raise _Faulty(f"instance {number} says cv={seal.status}")
    return ArcSet(results, signature, seal)

"""SPF records: selects one among TXT records and parses it (RFC 7208 §4.5, §4.6.1, §5 and §6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from shared.protocol.spf.macro import MacroString, SpfSyntaxError, parse_domain_spec, parse_macro_string

MechanismKind = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
Qualified = Literal["pass", "fail", "softfail", "neutral"]

_QUALIFIERS: dict[str, Qualified] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_VERSION = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)")
# ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT); ip6-cidr-length = "/" ("0" / %x31-39 0*2DIGIT)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_IP4 = re.compile(r"([0-9.]{7,15})(?:/(0|[1-9][0-9]?))?\Z")
_IP6 = re.compile(r"([0-9A-Fa-f:.]{2,45})(?:/(0|[1-9][0-9]{0,2}))?\Z")
_WITH_CIDR = frozenset({"a", "mx"})
_CACHED_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class SpfMechanism:
    """One mechanism, and the result when it matches."""

    kind: MechanismKind
    result: Qualified
    text: str
    target: MacroString | None = None
    """The domain-spec; None means the current domain."""
    network: int = 0
    mask4: int = 0xFFFFFFFF
    mask6: int = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record whose terms are all well formed."""

    text: str
    mechanisms: tuple[SpfMechanism, ...]
    redirect: MacroString | None
    explanation: MacroString | None


def select_records(texts: Iterable[str]) -> list[str]:
    """The TXT records that are SPF records (§4.5). More than one is an error of the publisher."""
    return [text for text in texts if _VERSION.match(text)]


def parse_record(text: str) -> SpfRecord:
    """The record of a text. Raises SpfSyntaxError when any of its terms is wrong (§4.6)."""
    if len(text) <= _CACHED_LENGTH:
        return _parse_cached(text)
    return _parse(text)


def _parse(text: str) -> SpfRecord:
    if not text.isascii():
        raise SpfSyntaxError("octets outside ASCII in the record")  # §3.1
    mechanisms: list[SpfMechanism] = []
    modifiers: dict[str, MacroString] = {}
    for term in filter(None, text[len("v=spf1") :].split(" ")):
        _take(term, mechanisms, modifiers)
    return SpfRecord(text, tuple(mechanisms), modifiers.get("redirect"), modifiers.get("exp"))


_parse_cached = lru_cache(maxsize=2048)(_parse)


def _take(term: str, mechanisms: list[SpfMechanism], modifiers: dict[str, MacroString]) -> None:
    """terms = *( 1*SP ( directive / modifier ) )"""
    name = _NAME.match(term)
    if name is not None and term.startswith("=", name.end()):
        _take_modifier(name[1].lower(), term[name.end() + 1 :], modifiers)
    else:
        mechanisms.append(_mechanism(term))


def _take_modifier(name: str, value: str, modifiers: dict[str, MacroString]) -> None:
    if name not in ("redirect", "exp"):
        parse_macro_string(value)  # unknown-modifier = name "=" macro-string (§6)
        return
    if name in modifiers:
        raise SpfSyntaxError(f"{name}= appears twice")  # §6
    modifiers[name] = parse_domain_spec(value)


def _mechanism(term: str) -> SpfMechanism:
    """One term of a record: directive = [ qualifier ] mechanism."""
    result = _QUALIFIERS.get(term[0], "pass")
    text = term[1:] if term[0] in _QUALIFIERS else term
    name = _NAME.match(text)
    kind = name[1].lower() if name else ""
    rest = text[len(kind) :]
    if kind in ("a", "mx", "ptr"):
        return _optional_domain(kind, result, term, rest)  # type: ignore[arg-type]
    if kind in ("include", "exists"):
        return SpfMechanism(kind, result, term, parse_domain_spec(_argument(rest, term)))  # type: ignore[arg-type]
    if kind == "ip4":
        return _ip4(result, term, _argument(rest, term))
    if kind == "ip6":
        return _ip6(result, term, _argument(rest, term))
    if kind == "all" and not rest:
        return SpfMechanism("all", result, term)
    raise SpfSyntaxError(f"no such mechanism: {term[:80]!r}")


def _argument(rest: str, term: str) -> str:
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"a colon and a value are missing: {term[:80]!r}")
    return rest[1:]


def _optional_domain(kind: MechanismKind, result: Qualified, term: str, rest: str) -> SpfMechanism:
    """a = "a" [ ":" domain-spec ] [ dual-cidr-length ], and mx likewise; ptr has no length (§5)."""
    cidr = _DUAL_CIDR.search(rest) if kind in _WITH_CIDR else None
    domain = rest[: cidr.start()] if cidr else rest
    target = parse_domain_spec(_argument(domain, term)) if domain else None
    if cidr is None:
        return SpfMechanism(kind, result, term, target)
    return SpfMechanism(kind, result, term, target, 0, _mask(cidr[1], 32), _mask(cidr[2], 128))


def _ip4(result: Qualified, term: str, value: str) -> SpfMechanism:
    match = _IP4.match(value)
    try:
        network = int(ipaddress.IPv4Address(match[1] if match else ""))
    except ValueError:
        raise SpfSyntaxError(f"not an IPv4 network: {term[:80]!r}") from None
    return SpfMechanism("ip4", result, term, None, network, _mask(match[2] if match else None, 32), 0)


def _ip6(result: Qualified, term: str, value: str) -> SpfMechanism:
    match = _IP6.match(value)
    try:
        network = int(ipaddress.IPv6Address(match[1] if match else ""))
    except ValueError:
        raise SpfSyntaxError(f"not an IPv6 network: {term[:80]!r}") from None
    return SpfMechanism("ip6", result, term, None, network, 0, _mask(match[2] if match else None, 128))


def _mask(length: str | None, bits: int) -> int:
    length_in_bits = bits if length is None else int(length)
    if length_in_bits > bits:
        raise SpfSyntaxError(f"no such prefix length: {length_in_bits}")
    return ((1 << length_in_bits) - 1) << (bits - length_in_bits)

"""Makes the bytes of an answer from the bytes of a question, without sockets."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from loadtest.zone.data import RecordSet, Zone

HEADER = 12
PLAIN_UDP = 512
"""Octets of an answer to a question without EDNS (RFC 1035 §4.2.1)."""
LARGEST = 65535
_LONGEST_CHAIN = 8
_NEGATIVE_TTL = 60
_SOA = dns.rdata.from_text(
    dns.rdataclass.IN, dns.rdatatype.SOA, f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {_NEGATIVE_TTL}"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes to send (the first two, the id, are those of the question), and the question."""

    wire: bytes
    name: str
    rdtype: str


@dataclass(frozen=True, slots=True)
class Faults:
    """How the server misbehaves. Suffixes are names without a final dot; "" means every name."""

    silent: frozenset[str] = frozenset()
    """Names that get no answer."""
    failing: frozenset[str] = frozenset()
    """Names that get SERVFAIL."""
    delay: float = 0.0
    """Seconds before every answer."""

    def is_silent(self, name: str) -> bool:
        """Whether this name gets no answer."""
        return bool(self.silent) and _within(name, self.silent)

    def fails(self, name: str) -> bool:
        """Whether this name gets SERVFAIL."""
        return bool(self.failing) and _within(name, self.failing)


def _within(name: str, suffixes: frozenset[str]) -> bool:
    return any(not suffix or name == suffix or name.endswith(f".{suffix}") for suffix in suffixes)


def answer(zone: Zone, question: bytes, faults: Faults, *, stream: bool, authentic: bool = False) -> Answer | None:
    """The answer to a question in wire form, or None for no answer.

    `stream` is true for TCP, where nothing is truncated. `authentic` sets AD, as a validating resolver does.
    """
    try:
        query = dns.message.from_wire(question)
    except (dns.exception.DNSException, ValueError):
        return _format_error(question)
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        return _format_error(question)
    asked = query.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    response = _response(query, authentic)
    if faults.fails(name):
        response.set_rcode(dns.rcode.SERVFAIL)
    else:
        _fill(zone, response, asked.name, asked.rdtype)
    return Answer(_wire(query, response, stream), name, dns.rdatatype.to_text(asked.rdtype))


def _response(query: dns.message.Message, authentic: bool) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    if authentic:
        response.flags |= dns.flags.AD
    return response


def _fill(zone: Zone, response: dns.message.Message, asked: dns.name.Name, rdtype: int) -> None:
    """Add the records, following a few aliases inside the zone (RFC 1034 §3.6.2)."""
    name = asked
    for _ in range(_LONGEST_CHAIN):
        if record_set := zone.find(name.canonicalize(), rdtype):
            response.answer.append(_rrset(name, record_set))
            return
        alias = zone.find(name.canonicalize(), dns.rdatatype.CNAME)
        if alias is None:
            _nothing(zone, response, name)
            return
        response.answer.append(_rrset(name, alias))
        name = alias.records[0].target  # type: ignore[attr-defined]
    response.set_rcode(dns.rcode.SERVFAIL)


def _nothing(zone: Zone, response: dns.message.Message, name: dns.name.Name) -> None:
    """NXDOMAIN or no data, with the SOA that limits how long it may be cached (RFC 2308 §3)."""
    if not zone.knows(name.canonicalize()):
        response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(dns.rrset.from_rdata(dns.name.root, _NEGATIVE_TTL, _SOA))


def _rrset(name: dns.name.Name, record_set: RecordSet) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, record_set.ttl, record_set.records)


def _wire(query: dns.message.Message, response: dns.message.Message, stream: bool) -> bytes:
    room = LARGEST if stream else max(PLAIN_UDP, query.payload if query.edns >= 0 else 0)
    try:
        return response.to_wire(max_size=room)
    except dns.exception.TooBig:
        # RFC 2181 §9: set TC, so that the client repeats the question over TCP.
        response.answer.clear()
        response.authority.clear()
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=room)


def _format_error(question: bytes) -> Answer | None:
    """FORMERR for an unreadable question; None for bytes that are too short or are an answer."""
    if len(question) < HEADER or question[2] & 0x80:
        return None
    opcode = question[2] & 0x79
    wire = question[:2] + bytes((opcode | 0x80, dns.rcode.FORMERR)) + bytes(8)
    return Answer(wire, "", "")

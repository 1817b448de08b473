"""A DNS zone as plain data, which may be changed while it is served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes
import dns.reversename

DEFAULT_TTL = 300
"""Seconds."""


class BadRecord(ValueError):
    """The DNS does not know the name, type or text of the record."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All records of one name and type."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    ttl: int
    records: tuple[dns.rdata.Rdata, ...]


class Zone:
    """Records by name and type. `version` increases with every change, so that caches notice it."""

    def __init__(self) -> None:
        self.version = 0
        self._sets: dict[tuple[dns.name.Name, int], RecordSet] = {}
        self._names: dict[dns.name.Name, int] = {}

    def add(self, name: str, rdtype: str, *texts: str, ttl: int = DEFAULT_TTL) -> None:
        """Add records in zone file notation; TXT is one value of any length.

        Raises BadRecord.
        """
        key = _key(name, rdtype)
        records = tuple(_record(key[1], text) for text in texts)
        old = self._sets.get(key)
        self._sets[key] = RecordSet(key[0], key[1], ttl, (old.records if old else ()) + records)
        if old is None:
            self._count(key[0], 1)
        self.version += 1

    def remove(self, name: str, rdtype: str) -> None:
        """Remove all records with this name and type, if there are any."""
        key = _key(name, rdtype)
        if self._sets.pop(key, None) is not None:
            self._count(key[0], -1)
            self.version += 1

    def replace(self, name: str, rdtype: str, *texts: str, ttl: int = DEFAULT_TTL) -> None:
        """Replace the records with this name and type."""
        self.remove(name, rdtype)
        self.add(name, rdtype, *texts, ttl=ttl)

    def add_host(self, name: str, address: str) -> None:
        """Add A or AAAA, and the PTR record."""
        self.add(name, "AAAA" if ":" in address else "A", address)
        self.add(dns.reversename.from_address(address).to_text(), "PTR", _dotted(name))

    def find(self, name: dns.name.Name, rdtype: int) -> RecordSet | None:
        """The records with this name and type, including those of a wildcard (RFC 4592)."""
        record_set = self._sets.get((name, rdtype))
        if record_set or name in self._names or len(name) < 2:
            return record_set
        return self._sets.get((dns.name.Name((b"*", *name.labels[1:])), rdtype))

    def knows(self, name: dns.name.Name) -> bool:
        """Whether the name exists, possibly only because of names below it (RFC 8020)."""
        return name in self._names or (len(name) > 1 and dns.name.Name((b"*", *name.labels[1:])) in self._names)

    def __len__(self) -> int:
        return len(self._sets)

    def _count(self, name: dns.name.Name, by: int) -> None:
        """Update how many record sets are at or below each name."""
        for depth in range(len(name.labels) - 1):
            node = dns.name.Name(name.labels[depth:])
            self._names[node] = self._names.get(node, 0) + by
            if not self._names[node]:
                del self._names[node]


def from_records(records: Iterable[tuple[str, str, str]]) -> Zone:
    """A zone of (name, type, text). Raises BadRecord."""
    zone = Zone()
    for name, rdtype, text in records:
        zone.add(name, rdtype, text)
    return zone


def _key(name: str, rdtype: str) -> tuple[dns.name.Name, dns.rdatatype.RdataType]:
    try:
        return dns.name.from_text(_dotted(name)).canonicalize(), dns.rdatatype.from_text(rdtype)
    except (dns.exception.DNSException, ValueError, UnicodeError) as error:
        raise BadRecord(f"{name} {rdtype}: {error}") from error


def _record(rdtype: dns.rdatatype.RdataType, text: str) -> dns.rdata.Rdata:
    quoted = _quoted(text) if rdtype in (dns.rdatatype.TXT, dns.rdatatype.SPF) else text
    try:
        return dns.rdata.from_text(dns.rdataclass.IN, rdtype, quoted, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise BadRecord(f"{dns.rdatatype.to_text(rdtype)} {text[:80]}: {error}") from error


def _quoted(text: str) -> str:
    """Strings of at most 255 octets (RFC 1035 §3.3), escaped where needed."""
    data = text.encode("utf-8", "surrogateescape")
    pieces = [data[at : at + 255] for at in range(0, len(data), 255)] or [b""]
    return " ".join(f'"{"".join(map(_escaped, piece))}"' for piece in pieces)


def _escaped(octet: int) -> str:
    return chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03d}"


def _dotted(name: str) -> str:
    return name if name.endswith(".") else f"{name}."

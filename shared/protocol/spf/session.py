"""The state of one SPF check, and the lookups it has used."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

from shared.protocol.dns.evaluation import Answered, Asked, several
from shared.protocol.dns.names import IPAddress, is_askable, reversed_name
from shared.protocol.dns.question import Answer, Question, RecordType
from shared.protocol.spf.macro import MacroString, expand, expand_domain
from shared.protocol.spf.result import LookupLimits


class PermError(Exception):
    """The domain's records cannot be interpreted (RFC 7208 §2.6.7); the message says why."""


class TempError(Exception):
    """The DNS did not answer (§2.6.6); the message says what."""


class SpfEvaluation:
    """Client, sender and used lookups of one check, shared by all records it visits."""

    __slots__ = (
        "address",
        "helo",
        "limits",
        "local_part",
        "now",
        "number",
        "receiver",
        "sender_domain",
        "terms",
        "tried",
        "voids",
    )

    def __init__(
        self,
        address: IPAddress,
        helo: str,
        local_part: str,
        sender_domain: str,
        limits: LookupLimits,
        receiver: str,
        now: int,
    ) -> None:
        self.address = address
        self.number = int(address)
        self.helo = helo
        self.local_part = local_part
        self.sender_domain = sender_domain
        self.limits = limits
        self.receiver = receiver
        self.now = now
        self.terms = 0
        self.voids = 0
        self.tried: list[str] = []

    @property
    def address_type(self) -> RecordType:
        """A or AAAA, by the client's address (§5)."""
        return "A" if self.address.version == 4 else "AAAA"

    def count(self, domain: str, term: str) -> str:
        """Count a term that asks the DNS; returns its name for the trace.

        Raises PermError above the limit (§4.6.4).
        """
        named = f"{domain}: {term}"
        self.terms += 1
        if self.terms > self.limits.terms:
            raise PermError(f"more than {self.limits.terms} terms that ask the DNS, at {named}")
        self.tried.append(named)
        return named

    def count_void(self, answer: Answer, term: str) -> None:
        """Count a void lookup, if the answer is one. Raises PermError above the limit (§4.6.4)."""
        self.voids += answer.void
        if self.voids > self.limits.voids:
            raise PermError(f"more than {self.limits.voids} lookups found nothing, at {term}")

    def is_unmatchable(self, spec: MacroString) -> bool:
        """Whether a term with %{s} or %{l} cannot match, because the local-part is not ASCII (RFC 8616 §4)."""
        return spec.uses_local_part and not self.local_part.isascii()

    def contains(self, records: tuple[str, ...], mask: int) -> bool:
        """Whether any of the address records is in the client's network of this mask."""
        network_number = self.number & mask
        return any(int(ipaddress.ip_address(record)) & mask == network_number for record in records)

    def expand_domain(self, spec: MacroString, domain: str) -> Generator[Asked, Answered, str]:
        """The name of a domain-spec in the record of `domain`."""
        if not spec.items:
            return expand_domain(spec, {})
        values = yield from self._values(spec, domain)
        return expand_domain(spec, values)

    def expand_text(self, spec: MacroString, domain: str) -> Generator[Asked, Answered, str]:
        """The text of an explanation."""
        values = yield from self._values(spec, domain)
        return expand(spec, values)

    def _values(self, spec: MacroString, domain: str) -> Generator[Asked, Answered, dict[str, str]]:
        values = self._macro_values(domain)
        if spec.uses_validated_name:
            values["p"] = yield from self._validated_name(domain)
        return values

    def _macro_values(self, domain: str) -> dict[str, str]:
        """The values of the macro letters (§7.2).

        %{i} writes IPv6 as dotted nibbles in upper case, as the OpenSPF suite does.
        """
        is_ip4 = self.address.version == 4
        return {
            "s": f"{self.local_part}@{self.sender_domain}",
            "l": self.local_part,
            "o": self.sender_domain,
            "d": domain,
            "i": str(self.address) if is_ip4 else ".".join(f"{self.number:032X}"),
            "v": "in-addr" if is_ip4 else "ip6",
            "h": self.helo,
            "c": str(self.address),
            "r": self.receiver,
            "t": str(self.now // 1_000_000),
        }

    def validated_names(self, domain: str, *, within: bool) -> Generator[Asked, Answered, tuple[str, ...]]:
        """The client's host names whose addresses include it (§5.5), `domain` and its subdomains first.

        With `within` only these are looked up. An error for one name skips it; an error of the PTR lookup gives no
        names.
        """
        pointers = several((yield (Question(reversed_name(self.address), "PTR"),)))[0].records[: self.limits.ptr_names]
        names = sorted(map(str.lower, filter(is_askable, pointers)), key=lambda name: _closeness(name, domain))
        if within:
            names = [name for name in names if _closeness(name, domain) < _OUTSIDE]
        if not names:
            return ()
        answers = several((yield tuple(Question(name, self.address_type) for name in names)))
        return tuple(name for name, answer in zip(names, answers, strict=True) if self.contains(answer.records, -1))

    def _validated_name(self, domain: str) -> Generator[Asked, Answered, str]:
        """The value of %{p}: the domain itself, else a subdomain of it, else any name (§7.3)."""
        names = yield from self.validated_names(domain, within=False)
        return names[0] if names else "unknown"


_OUTSIDE = 2


def _closeness(name: str, domain: str) -> int:
    if name == domain:
        return 0
    return 1 if name.endswith("." + domain) else _OUTSIDE

"""Looks for the records of DKIM keys in the DNS.

The authoritative servers of the zone are asked, because the answer of a resolver may be an hour old. Where none of them
answers, as behind a firewall, the configured resolver's answer counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from services.directory.domain.dkim import DkimKeyState, KeyRecordCheck
from services.directory.domain.key_records import check_record
from shared.clock import Clock
from shared.dns.resolver import Resolver
from shared.dns.settings import ResolverSettings
from shared.protocol.dns.question import Answer, Question, RecordType

_DNS_PORT = 53
_MOST_SERVERS = 6
"""Authoritative servers that are asked; those of a domain may be many."""
_MOST_PARENTS = 8
"""Names above a domain at which its zone may begin."""


class KeyRecords:
    """Asks the DNS for records of keys. `port` is that of authoritative servers."""

    def __init__(self, settings: ResolverSettings, clock: Clock, port: int = _DNS_PORT) -> None:
        self._settings = msgspec.structs.replace(settings, cache_size=0, sockets=1)
        self._clock = clock
        self._port = port

    async def look(self, domain: str, keys: Sequence[DkimKeyState]) -> dict[str, KeyRecordCheck]:
        """What the DNS says about the keys of a domain, by key id. Never raises for what the DNS says."""
        try:
            resolver = Resolver(self._settings, self._clock)
        except ValueError as error:
            return {key.id: KeyRecordCheck(None, f"resolver.addresses cannot be used: {error}") for key in keys}
        servers: list[tuple[str, Resolver]] = []
        try:
            servers = await self._authoritative(resolver, domain)
            checks = await asyncio.gather(*(self._look(key, resolver, servers) for key in keys))
            return {key.id: sighting for key, sighting in zip(keys, checks, strict=True)}
        finally:
            for opened in (resolver, *(server for _, server in servers)):
                await opened.close()

    async def _look(
        self, key: DkimKeyState, resolver: Resolver, servers: Sequence[tuple[str, Resolver]]
    ) -> KeyRecordCheck:
        question = Question(key.name, "TXT")
        answers = await asyncio.gather(*(server.ask(question) for _, server in servers))
        if any(_decides(answer) for answer in answers) and not any(_points_elsewhere(answer) for answer in answers):
            return check_record(
                key.record, [(name, answer) for (name, _), answer in zip(servers, answers, strict=True)]
            )
        return check_record(key.record, [("the resolver", await resolver.ask(question))])

    async def _authoritative(self, resolver: Resolver, domain: str) -> list[tuple[str, Resolver]]:
        """The authoritative servers of the zone with the domain's keys; none when they cannot be known."""
        names = await _name_servers(resolver, domain)
        addresses = await asyncio.gather(*(_address(resolver, name) for name in names))
        return [
            (name, Resolver(msgspec.structs.replace(self._settings, addresses=self._at(address)), self._clock))
            for name, address in zip(names, addresses, strict=True)
            if address
        ]

    def _at(self, address: str) -> str:
        return f"[{address}]:{self._port}" if ":" in address else f"{address}:{self._port}"


def _decides(answer: Answer) -> bool:
    return answer.status != "temperror"


def _points_elsewhere(answer: Answer) -> bool:
    """Whether the answer is an alias whose end another server knows."""
    return bool(answer.canonical_name) and not answer.records


async def _name_servers(resolver: Resolver, domain: str) -> tuple[str, ...]:
    name = f"_domainkey.{domain}"
    for _ in range(_MOST_PARENTS):
        answer = await resolver.ask(Question(name, "NS"))
        if answer.status == "temperror":
            return ()
        if answer.records:
            return tuple(sorted(answer.records))[:_MOST_SERVERS]
        name = name.partition(".")[2]
        if "." not in name:  # a top-level domain knows nothing of the record
            return ()
    return ()


async def _address(resolver: Resolver, name: str) -> str:
    """An address of a name server; empty when there is none."""
    rdtypes: tuple[RecordType, ...] = ("A", "AAAA")
    for rdtype in rdtypes:
        answer = await resolver.ask(Question(name, rdtype))
        if answer.records:
            return answer.records[0]
    return ""

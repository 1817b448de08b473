"""Proves that the resolver validates DNSSEC: without that proof its AD bit is not believed.

Whoever can change the answers on the way from a resolver can also set its AD bit, so the resolver must be on this
machine or be declared (RFC 7672 §2.1.1, RFC 6840 §5.7).
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

import msgspec
import structlog

from services.outbound.settings import OutboundSettings
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.dns.resolver import Resolver
from shared.dns.settings import ResolverSettings, server_addresses
from shared.network.address import is_loopback
from shared.protocol.dns.question import Question

log = structlog.get_logger("outbound")
_HOUR = 3600.0
_SOON = 60.0


class Proof(StrEnum):
    """What a test of one name server showed."""

    VALIDATES = "validates"
    DOES_NOT = "does not validate"
    NO_ANSWER = "gave no answer"


class DnssecProof:
    """Tests the name servers at the start and every hour. Until the first test is done, mail waits for it."""

    def __init__(self, settings: OutboundSettings, resolver: ResolverSettings, clock: Clock) -> None:
        self._settings = settings
        self._resolver = resolver
        self._clock = clock
        self.is_proven = False
        """Whether the last test with an answer gave the proof."""
        self._is_tested = asyncio.Event()
        self._again = asyncio.Event()
        self._task = BackgroundTask("outbound", "dnssec", self._turn)

    def start(self) -> None:
        """Begin to test."""
        self._task.start()

    async def stop(self) -> None:
        """End the tests."""
        await self._task.stop()

    async def proven(self) -> bool:
        """Whether the answers of the resolver about signatures can be believed."""
        await self._is_tested.wait()
        return self.is_proven

    @property
    def reason(self) -> str:
        """Why DANE is off; empty when it is on."""
        return self._task.complaint or self._task.note

    @property
    def trouble(self) -> str:
        """The same where the operator declared the name servers as validating."""
        return self._task.complaint

    async def _turn(self) -> None:
        try:
            is_sure = await self.prove()
        finally:
            self._is_tested.set()
        await woken_within(self._again, _HOUR if is_sure else _SOON)

    async def prove(self) -> bool:
        """Test all name servers; returns whether the result is certain. A result without an answer changes nothing."""
        declared = self._undeclared()
        if declared:
            self._note(False, declared)
            return True
        addresses = server_addresses(self._resolver.addresses)
        for host, port in addresses:
            address = f"[{host}]:{port}"
            proof, text = await self._proof(address)
            if proof is Proof.NO_ANSWER and self.is_proven:
                log.warning("outbound.dnssec_not_tested", name_server=address, reason=text)
                return False
            if proof is not Proof.VALIDATES:
                self._note(False, f"the name server {address} {proof.value}: {text}")
                return proof is Proof.DOES_NOT
        self._note(True, "")
        return True

    def _undeclared(self) -> str:
        """Why the resolver must not be believed whatever it answers."""
        if self._settings.dnssec == "off":
            return "outbound.dnssec is off"
        addresses = server_addresses(self._resolver.addresses)
        if self._settings.dnssec == "auto" and not all(is_loopback(host) for host, _ in addresses):
            return "outbound.dnssec is auto, and the resolver is not on this machine"
        return ""

    async def _proof(self, address: str) -> tuple[Proof, str]:
        settings = msgspec.structs.replace(self._resolver, addresses=address, cache_size=0)
        resolver = Resolver(settings, self._clock)
        signed_name, broken_name = self._settings.dnssec_signed_name, self._settings.dnssec_broken_name
        try:
            signed = await resolver.ask(Question(signed_name, "SOA"))
            if signed.status == "temperror":
                return Proof.NO_ANSWER, f"{signed_name}: {signed.source}"
            if signed.status != "ok" or not signed.authenticated:
                return Proof.DOES_NOT, f"the answer about {signed_name} is not authenticated"
            broken = await resolver.ask(Question(broken_name, "A"))
            if broken.status != "temperror":
                return Proof.DOES_NOT, f"it answers about {broken_name}, whose signatures are broken"
            return Proof.VALIDATES, ""
        finally:
            await resolver.close()

    def _note(self, is_proven: bool, reason: str) -> None:
        if is_proven != self.is_proven:
            log.info("outbound.dnssec", proven=is_proven, reason=reason)
        self.is_proven = is_proven
        text = f"DANE is off: {reason}" if reason else ""
        is_trouble = self._settings.dnssec == "on"
        self._task.complaint, self._task.note = (text, "") if is_trouble else ("", text)

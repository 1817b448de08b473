"""Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3): no redirects, with limits of time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from services.outbound.domain.next_hop import Network, is_permitted
from services.outbound.domain.sts import StsFetchFailed
from shared.dns.resolver import Resolver
from shared.protocol.dns.question import Question
from shared.protocol.mta_sts.answer import BadAnswer, PolicyAnswer, policy_request
from shared.protocol.mta_sts.policy import StsPolicy, StsPolicyError, parse_policy

_AT_ONCE = 10
_MOST_ADDRESSES = 4
_PIECE = 16 * 1024
_FETCH_ERROR = "sts-policy-fetch-error"


class PolicyFetcher:
    """Fetches policies. Private addresses are asked only where mail may be sent to them as well."""

    def __init__(
        self, resolver: Resolver, context: ssl.SSLContext, allowed: Sequence[Network], port: int, seconds: float
    ) -> None:
        self._resolver = resolver
        self._context = context
        self._allowed = allowed
        self._port = port
        self._seconds = seconds
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, domain: str) -> StsPolicy:
        """The policy of a domain. Raises StsFetchFailed."""
        host = f"mta-sts.{domain}"
        async with self._gate:
            try:
                async with asyncio.timeout(self._seconds):
                    return parse_policy(await self._get(host))
            except TimeoutError:
                raise StsFetchFailed(_FETCH_ERROR, f"{host} sends no policy within {self._seconds:g} s") from None
            except StsPolicyError as error:
                raise StsFetchFailed("sts-policy-invalid", f"{host}: {error}") from error
            except BadAnswer as error:
                raise StsFetchFailed(_FETCH_ERROR, f"{host}: {error}") from error
            except ssl.SSLCertVerificationError as error:
                reason = f"{host}: the certificate is not accepted: {error.verify_message}"
                raise StsFetchFailed("sts-webpki-invalid", reason) from error
            except OSError as error:
                raise StsFetchFailed(_FETCH_ERROR, f"{host}: {error.strerror or error}") from error

    async def _get(self, host: str) -> bytes:
        reader, writer = await self._connected(host)
        try:
            writer.write(policy_request(host))
            answer, body = PolicyAnswer(), None
            while body is None:
                body = answer.receive(await reader.read(_PIECE))
            return body
        finally:
            writer.transport.abort()

    async def _connected(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure: OSError = OSError("it has no address to which a connection may be made")
        for address in await self._addresses(host):
            try:
                return await asyncio.open_connection(
                    address, self._port, ssl=self._context, server_hostname=host, limit=2 * _PIECE
                )
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> list[str]:
        answers = await asyncio.gather(*(self._resolver.ask(Question(host, kind)) for kind in ("A", "AAAA")))
        addresses = [record for answer in answers if answer.status == "ok" for record in answer.records]
        return [address for address in addresses if is_permitted(address, self._allowed)][:_MOST_ADDRESSES]

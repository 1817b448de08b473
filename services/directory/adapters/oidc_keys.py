"""The keys of an OpenID Connect issuer (JWKS, RFC 7517): fetched, kept, and fetched again at most once a minute.

`kid` is what a stranger writes: it is only compared with the ids in the fetched set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import structlog

from services.directory.domain.oidc_claims import IssuerUnavailable
from shared.clock import Clock

log = structlog.get_logger("directory")
_LEAST_SECONDS = 60.0
"""Seconds between two fetches, whatever tokens name."""
_LONGEST_SECONDS = 86_400.0
"""Seconds for which keys count that cannot be fetched again."""
_MOST_KEYS = 50
_LONGEST_VALUE = 2_800
"""Characters of a number in a key: 16,384 bits."""
_KINDS = {"R": "RSA", "P": "RSA", "E": "EC"}


class Fetches(Protocol):
    """Fetches documents of the issuer."""

    async def fetch(self, url: str) -> Any:
        """The document at a URL. Raises IssuerUnavailable."""
        ...


class IssuerKey(msgspec.Struct, frozen=True):
    """A public key."""

    kid: str
    kind: str
    """`kty`."""
    algorithm: str
    """The only algorithm that it serves; empty: any of its kind."""
    parameters: dict[str, Any]


class IssuerKeys:
    """The keys in memory."""

    def __init__(self, issuer: str, keys_url: str, fetches: Fetches, clock: Clock, keys_seconds: float) -> None:
        self._issuer = issuer
        self._keys_url = keys_url
        self._fetches = fetches
        self._clock = clock
        self._keys_seconds = keys_seconds
        self._keys: tuple[IssuerKey, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._problem = ""
        self._lock = asyncio.Lock()

    async def matching(self, kid: str | None, algorithm: str) -> Sequence[IssuerKey]:
        """The keys that a token may have been signed with; all of the kind when it names none.

        Raises IssuerUnavailable when the keys cannot be known.
        """
        if self._age(self._fetched_at) > self._keys_seconds or not self._matching(kid, algorithm):
            await self._fetch_again()
        if self._age(self._fetched_at) > _LONGEST_SECONDS:
            raise IssuerUnavailable(self._problem)
        keys = self._matching(kid, algorithm)
        if not keys and self._problem:  # it may be one of those that could not be fetched
            raise IssuerUnavailable(self._problem)
        return keys

    def _matching(self, kid: str | None, algorithm: str) -> list[IssuerKey]:
        kind = "OKP" if algorithm == "EdDSA" else _KINDS[algorithm[0]]
        return [
            key
            for key in self._keys
            if key.kind == kind and key.algorithm in ("", algorithm) and (kid is None or key.kid == kid)
        ]

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._clock.monotonic() - moment

    async def _fetch_again(self) -> None:
        """Fetch, unless that was done or tried within a minute."""
        async with self._lock:
            if self._age(self._tried_at) < _LEAST_SECONDS:
                return
            self._tried_at = self._clock.monotonic()
            try:
                self._keys = _keys_in(await self._fetches.fetch(self._keys_url or await self._discovered()))
            except IssuerUnavailable as error:
                self._problem = str(error)
                log.warning("directory.issuer_unavailable", reason=self._problem)
            else:
                self._fetched_at, self._problem = self._clock.monotonic(), ""

    async def _discovered(self) -> str:
        """The URL of the keys, from the discovery document (OpenID Connect Discovery §4), which must be this issuer's.

        Raises IssuerUnavailable.
        """
        document = await self._fetches.fetch(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise IssuerUnavailable("the discovery document is not that of the issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not url.startswith("https://"):
            raise IssuerUnavailable("the discovery document has no https jwks_uri")
        return url


def _keys_in(document: Any) -> tuple[IssuerKey, ...]:
    """The keys for signatures in a set; those that cannot be used are left out. Raises IssuerUnavailable."""
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list):
        raise IssuerUnavailable("the issuer's answer is no set of keys")
    return tuple(_key(key) for key in given[:_MOST_KEYS] if _is_usable(key))


def _is_usable(key: Any) -> bool:
    return (
        isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and all(isinstance(key.get(name, ""), str) for name in ("kid", "alg"))
        and all(len(value) <= _LONGEST_VALUE for value in key.values() if isinstance(value, str))
    )


def _key(key: dict[str, Any]) -> IssuerKey:
    public = {name: value for name, value in key.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    return IssuerKey(key.get("kid", ""), key["kty"], key.get("alg", ""), public)

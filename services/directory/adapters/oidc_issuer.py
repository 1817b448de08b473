"""Checks the tokens of an OpenID Connect issuer: signed JWTs (RFC 7515, RFC 8725)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import jwt
import structlog

from services.directory.adapters.oidc_fetch import IssuerDocuments
from services.directory.adapters.oidc_keys import IssuerKey, IssuerKeys
from services.directory.domain.oidc_claims import ClaimRules, TokenRefused, account_in
from services.directory.oidc_settings import OidcSettings
from shared.clock import Clock

log = structlog.get_logger("directory")
_UNCHECKED = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
"""The claims are checked by `account_in`, which refuses those that are missing."""
_SECOND = 1_000_000


class JwtIssuer:
    """One issuer. Only its configured algorithms count; `none` and those with a shared secret are not among them."""

    def __init__(self, keys: IssuerKeys, rules: ClaimRules, algorithms: tuple[str, ...], clock: Clock) -> None:
        self._keys = keys
        self._rules = rules
        self._algorithms = algorithms
        self._clock = clock

    async def account_of(self, token: str) -> str:
        """The address of the account that a token names. Raises TokenRefused, IssuerUnavailable."""
        try:
            return account_in(await self._claims(token), self._rules, self._clock.now() / _SECOND)
        except TokenRefused as refused:
            log.info("directory.token_refused", reason=str(refused))
            raise

    async def _claims(self, token: str) -> Mapping[str, Any]:
        algorithm, kid = self._header(token)
        for key in await self._keys.matching(kid, algorithm):
            claims = _verified(token, key, algorithm)
            if claims is not None:
                return claims
        raise TokenRefused("no key of the issuer fits the signature")

    def _header(self, token: str) -> tuple[str, str | None]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise TokenRefused("the token is not a signed JWT") from error
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._algorithms or "crit" in header:
            raise TokenRefused("the token is signed in a way that is not accepted")
        if kid is not None and not isinstance(kid, str):
            raise TokenRefused("the id of the key is no text")
        return algorithm, kid


def _verified(token: str, key: IssuerKey, algorithm: str) -> Mapping[str, Any] | None:
    """The claims, if this key signed them."""
    try:
        public = jwt.PyJWK(key.parameters, algorithm).key
        claims: Mapping[str, Any] = jwt.decode(token, public, algorithms=[algorithm], options=_UNCHECKED)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    return claims


def jwt_issuer(settings: OidcSettings, clock: Clock) -> JwtIssuer:
    """The issuer of the settings. Raises OSError when the file with authorities cannot be read."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    documents = IssuerDocuments(context, settings.timeout)
    keys = IssuerKeys(settings.issuer, settings.keys_url, documents, clock, settings.keys_seconds)
    rules = ClaimRules(
        settings.issuer, settings.audience, settings.clients, settings.scope, settings.claim, settings.clock_skew
    )
    return JwtIssuer(keys, rules, settings.algorithms, clock)

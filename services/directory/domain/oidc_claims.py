"""Decides whether the claims of a token whose signature is right open an account, and which (RFC 7519, RFC 9068)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

EMAIL = "email"
_LONGEST_ADDRESS = 320


class TokenRefused(Exception):
    """A token that opens nothing; the text is for the log, and never for the client."""


class IssuerUnavailable(Exception):
    """The issuer cannot be asked for its keys, so the token could not be checked."""


class ClaimRules(msgspec.Struct, frozen=True):
    """What the claims must say."""

    issuer: str
    audience: str
    clients: tuple[str, ...] = ()
    scope: str = ""
    claim: str = EMAIL
    clock_skew: int = 30


def account_in(claims: Mapping[str, Any], rules: ClaimRules, now: float) -> str:
    """The address of the account that the claims name; `now` is in seconds. Raises TokenRefused."""
    if claims.get("iss") != rules.issuer:
        raise TokenRefused("the token is of another issuer")
    _check_audience(claims, rules)
    _check_times(claims, rules.clock_skew, now)
    if rules.scope and rules.scope not in _scopes(claims):
        raise TokenRefused(f"the token lacks the scope {rules.scope}")
    return _address(claims, rules.claim)


def _check_audience(claims: Mapping[str, Any], rules: ClaimRules) -> None:
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else given
    if not isinstance(audiences, list) or not rules.audience or rules.audience not in audiences:
        raise TokenRefused("the token is not for this audience")
    party = claims.get("azp", claims.get("client_id"))
    if rules.clients:
        if party not in rules.clients:
            raise TokenRefused("the token was issued to another client")
    elif len(audiences) > 1 and claims.get("azp") != rules.audience:  # OpenID Connect Core §3.1.3.7
        raise TokenRefused("the token has several audiences, and was issued to another client")


def _check_times(claims: Mapping[str, Any], skew: int, now: float) -> None:
    expires = _time(claims, "exp")
    if expires is None or now >= expires + skew:
        raise TokenRefused("the token has expired, or does not say when")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and now < begins - skew:
            raise TokenRefused(f"the token is not valid yet ({name})")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused(f"{name} is no time")
    return value


def _scopes(claims: Mapping[str, Any]) -> list[Any]:
    """The scopes: `scope` is one text (RFC 8693 §4.2), `scp` a text or a list elsewhere."""
    given = claims.get("scope", claims.get("scp", ""))
    return given.split() if isinstance(given, str) else given if isinstance(given, list) else []


def _address(claims: Mapping[str, Any], claim: str) -> str:
    address = claims.get(claim)
    if not isinstance(address, str) or not 0 < len(address) <= _LONGEST_ADDRESS:
        raise TokenRefused(f"the token has no {claim}")
    if claim == EMAIL and claims.get("email_verified") is not True:
        raise TokenRefused("the address in the token is not verified")
    return address

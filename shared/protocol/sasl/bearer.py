"""OAUTHBEARER (RFC 7628) and XOAUTH2, which Google made before it: the client shows a token of an issuer."""

from __future__ import annotations

import json
import re
from typing import Final

from shared.protocol.sasl.mechanism import MALFORMED, read_text
from shared.protocol.sasl.outcome import BearerToken, Challenge, Outcome

TOKEN_LIMIT: Final = 8192
"""Octets of a token."""
# gs2-header = gs2-cbind-flag "," [ "a=" saslname ] ","; channel binding is not offered (RFC 7628 §3.1)
_GS2 = re.compile(rb"[ny],(?:a=(?P<authzid>[^,\x00\x01]+))?,")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # b64token (RFC 6750 §2.1)
_SCHEME: Final = "bearer"
_STATUS: Final = {"OAUTHBEARER": "invalid_token", "XOAUTH2": "401"}


class OauthBearer:
    """The client sends its message, and confirms an error with one more (RFC 7628 §3.2.3)."""

    def begin(self) -> Outcome:
        return Challenge(b"")

    def respond(self, response: bytes) -> Outcome:
        match = _GS2.match(response)
        if match is None:
            return MALFORMED
        authzid = _saslname(match["authzid"]) if match["authzid"] else ""
        # client-resp = (gs2-header kvsep *kvpair kvsep); the key `auth` has the token (RFC 7628 §3.1)
        pairs = _pairs(response[match.end() :], opening=True)
        if authzid is None or pairs is None:
            return MALFORMED
        token = _token(pairs.get("auth", ""))
        return BearerToken(token, authzid, failure("OAUTHBEARER")) if token else MALFORMED


class Xoauth2:
    """The client sends `user=NAME^Aauth=Bearer TOKEN^A^A`, and an empty response after an error."""

    def begin(self) -> Outcome:
        return Challenge(b"")

    def respond(self, response: bytes) -> Outcome:
        pairs = _pairs(response, opening=False)
        if pairs is None:
            return MALFORMED
        token, user = _token(pairs.get("auth", "")), pairs.get("user", "")
        if not token or read_text(user.encode()) is None:
            return MALFORMED
        return BearerToken(token, user, failure("XOAUTH2"))


def failure(mechanism: str) -> bytes:
    """The error that a client is sent before it is refused (RFC 7628 §3.2.2)."""
    return json.dumps({"status": _STATUS[mechanism], "schemes": _SCHEME}).encode()


def _pairs(octets: bytes, *, opening: bool) -> dict[str, str] | None:
    """The values of `kvpair = key "=" value kvsep`; None for other octets."""
    try:
        parts = octets.decode().split("\x01")
    except UnicodeDecodeError:
        return None
    if opening and parts.pop(0):
        return None
    if parts[-2:] != ["", ""]:
        return None
    pairs = [part.partition("=") for part in parts[:-2]]
    if any(not mark or not key.isalpha() for key, mark, _ in pairs) or len({key for key, _, _ in pairs}) != len(pairs):
        return None
    return {key: value for key, _, value in pairs}


def _token(value: str) -> str:
    """The token of an Authorization header's value (RFC 6750 §2.1); empty for other text."""
    scheme, _, token = value.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != _SCHEME or len(token) > TOKEN_LIMIT or _TOKEN.fullmatch(token) is None:
        return ""
    return token


def _saslname(octets: bytes) -> str | None:
    """A saslname, in which commas and equals signs are escaped (RFC 5801 §4)."""
    text = read_text(octets)
    if text is None or re.search("=(?!2C|3D)", text):
        return None
    return text.replace("=2C", ",").replace("=3D", "=")

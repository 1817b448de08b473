"""SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, on the server's side.

The exchange asks for the salt of a name after the client's first message; the caller gives it with `supply`. The proof
in the client's final message is the caller's to check, who knows all stored keys of the name and gives the server's
signature with `accept`. The exchange ends with a proven name after the client has seen that signature.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Final

import msgspec

from shared.protocol.sasl.mechanism import read_text
from shared.protocol.sasl.outcome import Challenge, SaslError, SaslFailure

MOST_MESSAGE_OCTETS: Final = 4096
_MALFORMED: Final = SaslError(SaslFailure.MALFORMED)

# client-first-message = gs2-cbind-flag "," [authzid] "," [reserved-mext ","] username "," nonce ["," extensions]
_CLIENT_FIRST = re.compile(
    rb"(?P<gs2>(?P<flag>[ny]|p=[A-Za-z0-9.\-]+),(?:a=(?P<authzid>[^,\x00]+))?,)"
    rb"(?P<bare>n=(?P<name>[^,\x00]+),r=(?P<nonce>[!-+\--~]{8,})(?:,[A-Za-z]=[^,\x00]*)*)"
)
# client-final-message = channel-binding "," nonce ["," extensions] "," proof
_CLIENT_FINAL = re.compile(
    rb"(?P<text>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-oq-z]=[^,\x00]*)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_ESCAPED = re.compile("=2C|=3D|=")


class SaltNeeded(msgspec.Struct, frozen=True):
    """The caller must supply the salt of this name; `authzid` is empty when the client acts as itself."""

    name: str
    authzid: str


class ProvenName(msgspec.Struct, frozen=True):
    """The client has proven that it knows the password of this name."""

    authcid: str
    authzid: str


class ProofGiven(msgspec.Struct, frozen=True):
    """The caller must check this proof, and then `accept` with the signature of the server, or end the exchange."""

    authcid: str
    authzid: str
    text: bytes
    """The AuthMessage (RFC 5802 §3)."""
    proof: bytes

    def __repr__(self) -> str:
        return f"ProofGiven(authcid={self.authcid!r}, authzid={self.authzid!r}, proof=***)"  # it would help to guess


ScramOutcome = Challenge | SaltNeeded | ProofGiven | ProvenName | SaslError


class ScramServer:
    """One exchange. After any outcome but Challenge, SaltNeeded and ProofGiven it is over."""

    def __init__(self) -> None:
        self._client_first = b""
        self._server_first = b""
        self._gs2 = b""
        self._client_nonce = self._nonce = b""
        self._names = SaltNeeded("", "")
        self._is_checked = self._has_proven = False

    def begin(self) -> Challenge:
        """The client speaks first; without an initial response it is asked for it."""
        return Challenge(b"")

    def respond(self, response: bytes) -> ScramOutcome:
        """Take the client's next message."""
        if len(response) > MOST_MESSAGE_OCTETS:
            return SaslError(SaslFailure.TOO_LONG)
        if self._has_proven:
            return _MALFORMED if response else ProvenName(self._names.name, self._names.authzid)
        return self._final(response) if self._server_first else self._first(response)

    def supply(self, salt: bytes, iterations: int, nonce: str) -> Challenge:
        """Take the salt and count of the name, and a new random nonce of printable ASCII without commas."""
        self._nonce = self._client_nonce + nonce.encode("ascii")
        self._server_first = b"r=%b,s=%b,i=%d" % (self._nonce, base64.b64encode(salt), iterations)
        return Challenge(self._server_first)

    def accept(self, signature: bytes) -> Challenge:
        """Take the signature of the server (RFC 5802 §3), because the proof was right."""
        self._has_proven = True
        return Challenge(b"v=" + base64.b64encode(signature))

    def _first(self, response: bytes) -> ScramOutcome:
        match = _CLIENT_FIRST.fullmatch(response)
        if match is None or self._client_first:
            return _MALFORMED
        if match["flag"].startswith(b"p"):
            return _MALFORMED  # this server has announced no mechanism with channel binding (RFC 5802 §6)
        name, authzid = _text(match["name"]), _text(match["authzid"]) if match["authzid"] else ""
        if name is None or authzid is None:
            return _MALFORMED
        self._gs2, self._client_first, self._client_nonce = match["gs2"], match["bare"], match["nonce"]
        self._names = SaltNeeded(name, authzid)
        return self._names

    def _final(self, response: bytes) -> ScramOutcome:
        match = _CLIENT_FINAL.fullmatch(response)
        if match is None or self._is_checked:
            return _MALFORMED
        try:
            binding, proof = (binascii.a2b_base64(match[name], strict_mode=True) for name in ("binding", "proof"))
        except binascii.Error:
            return _MALFORMED
        if binding != self._gs2 or not hmac.compare_digest(match["nonce"], self._nonce):
            return _MALFORMED
        self._is_checked = True
        text = b",".join((self._client_first, self._server_first, match["text"]))
        return ProofGiven(self._names.name, self._names.authzid, text, proof)


def _text(octets: bytes) -> str | None:
    """The text of a saslname: commas and equals signs are escaped (RFC 5802 §5.1); None for a wrong one."""
    text = read_text(octets)
    if text is None or any(escape.group() == "=" for escape in _ESCAPED.finditer(text)):
        return None
    return text.replace("=2C", ",").replace("=3D", "=")

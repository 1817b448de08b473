"""SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, on the client's side."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientAuthError, secret_octets
from shared.protocol.sasl.mechanism import prepare_password

LEAST_ITERATIONS: Final = 4096  # RFC 7677 §4
MOST_ITERATIONS: Final = 100_000  # about 50 ms; the server chooses the number, and the caller waits
MESSAGE_LIMIT: Final = 4096  # octets of a message of the server
ERROR_LIMIT: Final = 100  # characters of an error of the server that are kept
_HASH: Final = "sha256"
_NO_BINDING: Final = "n"  # gs2-cbind-flag: this client has no channel binding

# server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions] (RFC 5802 §7)
_SERVER_FIRST = re.compile(rb"r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?", re.DOTALL)
# server-final-message = (server-error / verifier) ["," extensions]
_SERVER_FINAL = re.compile(rb"(?:v=([A-Za-z0-9+/=]+)|e=([ -+\--~]*))(?:,.*)?", re.DOTALL)
_NONCE = re.compile(r"[!-+\--~]{8,}")


class ScramClient:
    """Three messages: the client's first, its proof, and an empty one after the server's signature was verified."""

    def __init__(self, credentials: ClientCredentials) -> None:
        self._credentials = credentials
        self._binding = f"{_NO_BINDING},{_authzid(credentials.authzid)},"
        self._first = ""
        self._signature: bytes | None = None  # the one that the server must send
        self.is_complete = False

    def begin(self) -> bytes | None:
        if _NONCE.fullmatch(self._credentials.scram_nonce) is None:
            raise ClientAuthError("the nonce is not valid")
        self._first = f"n={_saslname(self._credentials.name)},r={self._credentials.scram_nonce}"
        return secret_octets(self._binding + self._first)

    def respond(self, challenge: bytes | None) -> bytes:
        if challenge is None or len(challenge) > MESSAGE_LIMIT or self.is_complete:
            raise ClientAuthError("the server's message is not valid")
        return self._prove(challenge) if self._signature is None else self._verify(challenge)

    def _prove(self, challenge: bytes) -> bytes:
        match = _SERVER_FIRST.fullmatch(challenge)
        if match is None:
            raise ClientAuthError("the server's first message is not valid")
        nonce, iterations = match[1].decode("ascii"), int(match[3])
        own = self._credentials.scram_nonce
        if not nonce.startswith(own) or len(nonce) == len(own):
            raise ClientAuthError("the server's nonce does not continue ours")
        if not LEAST_ITERATIONS <= iterations <= MOST_ITERATIONS:
            raise ClientAuthError(f"the server asks for {iterations} iterations")
        final = f"c={base64.b64encode(self._binding.encode()).decode('ascii')},r={nonce}"
        text = b",".join([self._first.encode(), challenge, final.encode()])
        password = prepare_password(self._credentials.password).encode()
        salted = hashlib.pbkdf2_hmac(_HASH, password, _base64(match[2]), iterations)
        client_key = _hmac(salted, b"Client Key")
        proof = _xor(client_key, _hmac(hashlib.sha256(client_key).digest(), text))
        self._signature = _hmac(_hmac(salted, b"Server Key"), text)
        return f"{final},p={base64.b64encode(proof).decode('ascii')}".encode()

    def _verify(self, challenge: bytes) -> bytes:
        match = _SERVER_FINAL.fullmatch(challenge)
        if match is None:
            raise ClientAuthError("the server's final message is not valid")
        if match[1] is None:
            raise ClientAuthError(f"the server reports {match[2][:ERROR_LIMIT].decode('ascii')}")
        if not hmac.compare_digest(_base64(match[1]), self._signature or b""):
            raise ClientAuthError("the server's signature is wrong")
        self.is_complete = True
        return b""


# saslname = 1*(value-safe-char / "=2C" / "=3D") (RFC 5802 §7)
def _saslname(name: str) -> str:
    return prepare_password(name).replace("=", "=3D").replace(",", "=2C")


def _authzid(name: str) -> str:
    return f"a={_saslname(name)}" if name else ""


def _base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise ClientAuthError("the server's message is not base64") from None


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, _HASH)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes([a ^ b for a, b in zip(left, right, strict=True)])

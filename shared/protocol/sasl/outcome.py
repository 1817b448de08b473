"""The outcomes of a step of an authentication exchange.

A later mechanism that must ask for something in the middle (SCRAM: the stored keys of a name) gets an outcome of its
own here; the exchange then gets a method for the answer.
"""

import binascii
import enum

import msgspec


class Challenge(msgspec.Struct, frozen=True):
    """The server sends a challenge next; ``data`` is the challenge before base64."""

    data: bytes

    def encode(self) -> bytes:
        """The challenge on the wire, without the prefix of the protocol (``334 `` or ``+ ``)."""
        return encode_base64(self.data)


class Credentials(msgspec.Struct, frozen=True):
    """The exchange is over, and the caller must check these credentials.

    ``authzid`` is empty when the client acts as itself. The password is never shown.
    """

    authcid: str
    authzid: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(authcid={self.authcid!r}, authzid={self.authzid!r}, password=***)"


class SaslFailure(enum.Enum):
    """The reasons for which an exchange ends without credentials."""

    UNKNOWN_MECHANISM = "the mechanism is not offered"
    CANCELLED = "the client cancelled"  # RFC 4954 §4, RFC 9051 §6.2.2: a line of "*"
    TOO_LONG = "the response is too long"
    BAD_BASE64 = "the response is not base64"
    MALFORMED = "the response does not fit the mechanism"


class SaslError(msgspec.Struct, frozen=True):
    """The exchange is over without credentials."""

    failure: SaslFailure


Outcome = Challenge | Credentials | SaslError


def encode_base64(data: bytes) -> bytes:
    """The base64 text of an exchange: one line without its end (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False)

"""The outcomes of a step of an authentication exchange, except those of SCRAM, which asks the caller in the middle."""

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


class BearerToken(msgspec.Struct, frozen=True):
    """The exchange is over, and the caller must check this token.

    `authzid` is the account that the client asks for; empty: its own. A refused client is first sent `failure` as a
    challenge, and its answer is taken, whatever it is (RFC 7628 §3.2.3).
    """

    token: str
    authzid: str
    failure: bytes

    def __repr__(self) -> str:
        return f"BearerToken(authzid={self.authzid!r}, token=***)"


class CertificateShown(msgspec.Struct, frozen=True):
    """The exchange is over, and the certificate that the client has shown decides; `authzid` as for a token."""

    authzid: str


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


Outcome = Challenge | Credentials | BearerToken | CertificateShown | SaslError


def encode_base64(data: bytes) -> bytes:
    """The base64 text of an exchange: one line without its end (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False)

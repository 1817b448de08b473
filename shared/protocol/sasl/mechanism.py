"""The interface of a mechanism, and the texts that all mechanisms read."""

import unicodedata
from typing import Final, Protocol

from shared.protocol.sasl.outcome import Outcome, SaslError, SaslFailure

TEXT_LIMIT: Final = 1024  # octets of a name or password; RFC 4616 §2 requires 255
MALFORMED: Final = SaslError(SaslFailure.MALFORMED)


class SaslMechanism(Protocol):
    """One exchange with one mechanism. It handles octets, never base64."""

    def begin(self) -> Outcome:
        """What the server sends first when the client sent no initial response (RFC 4422 §3)."""
        ...

    def respond(self, response: bytes) -> Outcome:
        """Take the client's response, which may be the initial one."""
        ...


def read_text(octets: bytes) -> str | None:
    """A name or password of 1 to TEXT_LIMIT octets of UTF-8 without control characters; None for other octets."""
    if not octets or len(octets) > TEXT_LIMIT:
        return None
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(character) == "Cc" for character in text) else text


def prepare_password(text: str) -> str:
    """The password as an OpaqueString (RFC 8265 §4.2): other spaces become U+0020, then NFC.

    A stored password must have been prepared in the same way.
    """
    if text.isascii():
        return text
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    return unicodedata.normalize("NFC", spaced)

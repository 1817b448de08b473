"""The shape of a mechanism, and the texts that all of them read."""

import unicodedata
from typing import Final, Protocol

from shared.protocol.sasl.outcome import Outcome, SaslError, SaslFailure

TEXT_LIMIT: Final = 1024  # octets of a name or password; RFC 4616 §2 asks for 255
MALFORMED: Final = SaslError(SaslFailure.MALFORMED)


class SaslMechanism(Protocol):
    """One exchange of one mechanism. It sees octets, never base64."""

    def begin(self) -> Outcome:
        """The client sent no initial response: what the server says first (RFC 4422 §3)."""
        ...

    def respond(self, response: bytes) -> Outcome:
        """The client's response, an initial one included."""
        ...


def read_text(octets: bytes) -> str | None:
    """A name or password of 1 to TEXT_LIMIT octets of UTF-8 without controls; None when it is not that."""
    if not octets or len(octets) > TEXT_LIMIT:
        return None
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(character) == "Cc" for character in text) else text


def prepare_password(text: str) -> str:
    """OpaqueString of RFC 8265 §4.2: other spaces become U+0020, then NFC. A stored password must have been prepared
    the same way.
    """
    if text.isascii():
        return text
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    return unicodedata.normalize("NFC", spaced)

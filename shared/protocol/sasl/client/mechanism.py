"""The interface of a mechanism on the client's side."""

import re
from typing import Protocol

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ClientAuthError(ValueError):
    """The server's challenge does not fit the mechanism, or the server did not prove that it knows the password."""


class ClientMechanism(Protocol):
    """One exchange with one mechanism. It handles octets, never base64."""

    @property
    def is_complete(self) -> bool:
        """Whether a success of the server may be believed now."""
        ...

    def begin(self) -> bytes | None:
        """The initial response, or None when the server speaks first (RFC 4422 §3)."""
        ...

    def respond(self, challenge: bytes | None) -> bytes:
        """The response to a challenge; None stands for a challenge that is not base64. Raises ClientAuthError."""
        ...


def secret_octets(text: str) -> bytes:
    """A name, password or token as octets. Raises ClientAuthError for a control character.

    Mechanisms separate the fields of their messages by such characters, so a text could add a field.
    """
    if _CONTROL.search(text) is not None:
        raise ClientAuthError("a name, password or token has a control character")
    return text.encode()

"""The interface of a mechanism on the client's side."""

from typing import Protocol


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

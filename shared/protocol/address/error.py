"""The one error of this room."""


class AddressError(ValueError):
    """A text is not an address (or not a domain, or not an account name). ``reason`` says why, in public words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

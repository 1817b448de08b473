"""The only error of this package: the client's octets are not a valid command."""

from typing import Literal


class ImapSyntaxError(ValueError):
    """A command that violates the grammar or one of our limits.

    `text` may be shown to the client. `tag` is empty when none could be read; the response is then untagged (RFC 3501
    §7.1.3). `condition` is BAD for a grammar error, and NO when the command is well formed but its argument can never
    be served. `code` is a response code without brackets, or empty. `clears_saved`: the command would have saved its
    result, so the saved result becomes empty (RFC 5182 §2.1).
    """

    def __init__(
        self,
        text: str,
        tag: bytes = b"",
        *,
        condition: Literal["BAD", "NO"] = "BAD",
        code: bytes = b"",
        clears_saved: bool = False,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.tag = tag
        self.condition: Literal["BAD", "NO"] = condition
        self.code = code
        self.clears_saved = clears_saved

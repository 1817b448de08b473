"""The one error of this room: a client's bytes that are not a valid command."""

from typing import Literal


class ImapSyntaxError(ValueError):
    """A command that breaks the grammar or one of our limits.

    `text` is safe to show to the client. `tag` is empty when none could be read: the answer is then untagged (RFC 3501
    7.1.3). `condition` is BAD for broken grammar and NO where the command is well formed and its argument can never be
    served; `code` is a ready response code without brackets, or empty. `clears_saved`: the command was to save its
    result, which is empty now (RFC 5182 2.1).
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

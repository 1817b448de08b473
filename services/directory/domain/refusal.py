"""Why a command cannot be carried out, and what to do about it."""

from __future__ import annotations

from typing import Literal

Reason = Literal["missing", "taken", "invalid", "not-empty"]


class DirectoryRefused(Exception):
    """A command on the directory cannot be carried out. The text is for people and says what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason

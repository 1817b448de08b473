"""Places a mail signature into a plain text, fixed or flowed (RFC 3676)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from shared.protocol.message.mail_signature.outcome import SignaturePosition
from shared.protocol.message.mail_signature.plain_quotation import last_quotation
from shared.protocol.message.scan import Part

SEPARATOR: Final = "-- "
"""The line between a text and its signature (RFC 3676 §4.3)."""
_WIDTH: Final = 72
"""Characters of a flowed line (RFC 3676 §4.2 says at most 78)."""
_STUFFED: Final = (" ", ">", "From ")
_ARMOUR = re.compile(r"^[ \t]*-----BEGIN PGP ", re.M)


class Insertion(NamedTuple):
    """What is inserted into a text, and at which offset."""

    at: int
    inserted: str
    position: SignaturePosition


class PlainForm:
    """A plain text, of which the quotation at its end is found once."""

    def __init__(self, text: str, part: Part) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._quotation = last_quotation([line.removesuffix("\r") for line in self._lines])
        self._is_flowed = part.parameter("format").lower() == "flowed"
        self._deletes_space = self._is_flowed and part.parameter("delsp").lower() == "yes"

    @property
    def has_quotation(self) -> bool:
        """Whether it ends with a quotation."""
        return self._quotation.start < len(self._lines)

    @property
    def has_armour(self) -> bool:
        """Whether it has a block of PGP that is not quoted (RFC 9580 §6.2)."""
        return _ARMOUR.search(self._text) is not None

    @property
    def own(self) -> str:
        """What the sender wrote himself."""
        start, stop = self._quotation
        return "\n".join([*self._lines[:start], *self._lines[stop:]])

    def insertion(self, signature: str) -> Insertion:
        """The mail signature under the sender's own text, and above the quotation.

        Above a quotation there is no `-- ` line: clients leave out everything below it when they answer. There is none
        either when the sender has a block of his own with that line.
        """
        end_of_line = line_end(self._text)
        index = self._own_end()
        rows = [*([""] if index else []), *self._signature_lines(signature, index)]
        if index == len(self._lines):
            return Insertion(len(self._text), end_of_line + end_of_line.join(rows), SignaturePosition.END)
        if self.has_quotation and index == self._quotation.start:
            rows.append("")
        at = sum(map(len, self._lines[:index])) + index
        position = SignaturePosition.ABOVE_QUOTATION if self.has_quotation else SignaturePosition.END
        return Insertion(at, "".join(row + end_of_line for row in rows), position)

    def _own_end(self) -> int:
        """The number of lines up to the last own one that is not blank; 0 when there is none."""
        index = self._quotation.start
        while index and not self._lines[index - 1].strip():
            index -= 1
        return index

    def _signature_lines(self, signature: str, index: int) -> Iterator[str]:
        own = self._lines[:index]
        if own and not self.has_quotation and not any(line.rstrip("\r") == SEPARATOR for line in own):
            yield SEPARATOR
        rows = signature.split("\n")
        yield from flowed_lines(rows, deletes_space=self._deletes_space) if self._is_flowed else rows


def line_end(text: str) -> str:
    """The line end of a text; that of mail when it has none."""
    return "\n" if "\n" in text and "\r\n" not in text else "\r\n"


def flowed_lines(rows: Sequence[str], *, deletes_space: bool) -> Iterator[str]:
    """Lines without white space at their ends as flowed text: long ones in pieces, and stuffed with a space where a
    reader would take the first octets for something else (RFC 3676 §4.2, §4.4).

    With DelSp=yes the last space of a piece is not part of the text, so each piece gets one more.
    """
    for row in rows:
        for piece in _pieces(row):
            flowed = piece + " " if deletes_space and piece.endswith(" ") else piece
            yield " " + flowed if flowed.startswith(_STUFFED) else flowed


def _pieces(row: str) -> Iterator[str]:
    """A line in pieces; each but the last ends with a space, and none is blank."""
    while len(row) > _WIDTH:
        cut = row.rfind(" ", 1, _WIDTH) + 1 or row.find(" ", _WIDTH) + 1
        if not cut or not row[:cut].strip() or row[:cut].rstrip() == "--":
            break
        yield row[:cut]
        row = row[cut:]
    yield row

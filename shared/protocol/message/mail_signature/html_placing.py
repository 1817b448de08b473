"""Places a mail signature into HTML source."""

from __future__ import annotations

import re
from typing import Final

from shared.protocol.message.mail_signature.html_source import html_ends
from shared.protocol.message.mail_signature.outcome import SignaturePosition
from shared.protocol.message.mail_signature.plain_placing import Insertion, line_end
from shared.protocol.message.markup import html_text

_CLASS: Final = "mail-signature"
_ARMOUR = re.compile(r"(?:^|>)[ \t]*-----BEGIN PGP ", re.M)


class HtmlForm:
    """An HTML text, of which the quotation at its end is found once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._end, self._start, self._stop = html_ends(source)

    @property
    def has_quotation(self) -> bool:
        """Whether it ends with a quotation."""
        return self._start < self._stop

    @property
    def has_armour(self) -> bool:
        """Whether a line of it begins a block of PGP (RFC 9580 §6.2)."""
        return _ARMOUR.search(self._source) is not None

    @property
    def own(self) -> str:
        """What the sender wrote himself, as text."""
        above = html_text(self._source[: self._start], links=False)
        return above + "\n" + html_text(self._source[self._stop :], links=False)

    def insertion(self, signature: str) -> Insertion:
        """The HTML of the mail signature above the quotation, or at the end of the page."""
        end_of_line = line_end(self._source)
        html = signature.replace("\n", end_of_line)
        inserted = f'{end_of_line}<div class="{_CLASS}"><br>{end_of_line}{html}{end_of_line}</div>{end_of_line}'
        if self.has_quotation:
            return Insertion(self._start, inserted, SignaturePosition.ABOVE_QUOTATION)
        return Insertion(self._end, inserted, SignaturePosition.END)

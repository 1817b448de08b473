"""Finds the texts of a message that its sender wrote, by the scan alone.

A choice is a list of texts of which exactly one gets the mail signature: inline images, for example, divide a text into
several parts. A multipart/alternative has a choice for each alternative, and all of them get it, or none does.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.protocol.message.headers import header_values
from shared.protocol.message.mail_signature.outcome import CannotPlace, SkipReason
from shared.protocol.message.outgoing.protected import foreign_signature, protected_parts
from shared.protocol.message.scan import Part, Scan
from shared.protocol.structured import blank_comments

MAX_TEXTS: Final = 50
"""Texts of a message that are looked at."""
MAX_DEPTH: Final = 100
_TEXTS: Final = frozenset({"text/plain", "text/html"})
_REPORTS: Final = frozenset(
    {
        "multipart/report",
        "message/delivery-status",
        "message/disposition-notification",
        "message/feedback-report",
        "message/global-delivery-status",
        "message/global-disposition-notification",
    }
)
_ENCRYPTED: Final = "application/pgp-encrypted"
"""A gateway may have made another multipart of a multipart/encrypted (RFC 3156 §4)."""
_OF_MULTIPARTS: Final = frozenset({"boundary", "protocol", "micalg"})
"""Parameters of a multipart: the scan shows one without parts as a text."""

Texts = tuple[int, ...]
"""The indexes of the texts of a choice, in order."""


class _Content(NamedTuple):
    """What a part contributes: its choices, and whether it is a series of texts that may go on in the next part."""

    choices: tuple[Texts, ...]
    subtype: str = ""
    """`plain` or `html`, when there is one choice and it is such a series."""


def check_kind(header: bytes, scan: Scan, *, signs_automatic: bool) -> None:
    """Raises CannotPlace for a message that never gets a mail signature, whatever its texts are."""
    if scan.truncated:
        raise CannotPlace(SkipReason.TOO_MANY_PARTS)
    if not signs_automatic and _is_automatic(header):
        raise CannotPlace(SkipReason.AUTOMATIC)
    if foreign_signature(header):
        raise CannotPlace(SkipReason.SIGNED)
    for index in protected_parts(scan):
        raise CannotPlace(SkipReason.SIGNED, scan.parts[index].number)
    is_within: list[bool] = []
    for part in scan.parts:
        if reason := _refusal(part):
            raise CannotPlace(reason, part.number)
        outer = part.parent
        is_within.append(outer >= 0 and (is_within[outer] or scan.parts[outer].media_type == "message"))
        if not is_within[-1] and (reason := _kind_refusal(part)):
            raise CannotPlace(reason, part.number)


def _is_automatic(header: bytes) -> bool:
    values = (blank_comments(value).partition(b";")[0].strip() for value in header_values(header, "Auto-Submitted"))
    return any(value.lower() != b"no" for value in values)


def _refusal(part: Part) -> SkipReason | None:
    """What forbids a change of the message wherever the part is, even in an attached message."""
    if part.content_type == _ENCRYPTED:
        return SkipReason.SIGNED
    if part.content_type == "text/plain" and any(name in _OF_MULTIPARTS for name, _ in part.parameters):
        return SkipReason.BROKEN_STRUCTURE
    return None


def _kind_refusal(part: Part) -> SkipReason | None:
    """What decides about the kind of this message; attached messages may be of any kind."""
    if part.content_type in _REPORTS:
        return SkipReason.REPORT
    if part.content_type == "text/calendar" and (part.disposition != "attachment" or part.parameter("method")):
        return SkipReason.CALENDAR
    return None


def text_choices(scan: Scan) -> tuple[Texts, ...]:
    """The choices of the message. Raises CannotPlace when there is none, or too many texts."""
    choices = _Choosing(scan).content(0, 0).choices
    if not choices:
        raise CannotPlace(SkipReason.NO_TEXT)
    if sum(map(len, choices)) > MAX_TEXTS:
        raise CannotPlace(SkipReason.TOO_MANY_PARTS)
    return choices


class _Choosing:
    """Walks the multiparts, and never enters a message."""

    def __init__(self, scan: Scan) -> None:
        self._parts = scan.parts
        self._children: dict[int, list[int]] = {}
        for index, part in enumerate(scan.parts):
            self._children.setdefault(part.parent, []).append(index)

    def content(self, index: int, depth: int) -> _Content:
        """The content of a part, whose depth is bounded by that of the scan."""
        part = self._parts[index]
        if depth > MAX_DEPTH:
            raise CannotPlace(SkipReason.TOO_MANY_PARTS, part.number)
        if part.disposition == "attachment":
            return _Content(())
        if part.media_type != "multipart":
            return _Content(((index,),), part.subtype) if self._is_own_text(part) else _Content(())
        children = self._children.get(index, [])
        if part.subtype == "alternative":
            return self._alternatives(children, depth + 1)
        if part.subtype == "related":
            return self.content(self._start(part, children), depth + 1)
        return self._series(children, depth + 1)

    def _is_own_text(self, part: Part) -> bool:
        """A text with a file name is an attachment, unless it is the whole message."""
        return part.content_type in _TEXTS and (not part.filename or part.parent < 0)

    def _alternatives(self, children: list[int], depth: int) -> _Content:
        """Each alternative must have a text, or the reader would see the mail signature in some of them only."""
        choices: list[Texts] = []
        for child in children:
            content = self.content(child, depth)
            if not content.choices:
                raise CannotPlace(SkipReason.OTHER_ALTERNATIVE, self._parts[child].number)
            choices += content.choices
        return _Content(tuple(choices))

    def _start(self, part: Part, children: list[int]) -> int:
        """The root of a multipart/related (RFC 2387 §3.2); its children are not empty."""
        start = part.parameter("start").strip().strip("<>")
        named = (child for child in children if start and self._parts[child].content_id == start)
        return next(named, children[0])

    def _series(self, children: list[int], depth: int) -> _Content:
        """The first child with a text, and the texts of the same kind that follow it."""
        first = _Content(())
        texts: list[int] = []
        for child in children:
            if not first.choices:
                first = self.content(child, depth)
                texts += first.choices[0] if first.subtype else ()
            elif not first.subtype:
                break
            elif self._parts[child].content_type == f"text/{first.subtype}":
                texts += (text for choice in self.content(child, depth).choices for text in choice)
        return _Content((tuple(texts),), first.subtype) if texts else first

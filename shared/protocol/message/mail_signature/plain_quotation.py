"""Finds the quotation that ends a plain text: lines with `>`, or what follows the line with which clients begin one.

Text under a quotation with `>` is an answer to it, so that quotation does not end the text, unless the text below is
only the sender's own `-- ` block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_LONGEST: Final = 300
"""Characters of a line that are looked at."""
_ATTRIBUTION_LINES: Final = 3
_HEADER_LINES: Final = 6
_MOST_LINES: Final = 20_000
"""Lines of a text among which a thread without `>` is looked for."""
_OWN_BLOCK: Final = 12
"""Lines of the sender's own `-- ` block under a quotation."""

# "On Mon, 3 Feb 2025 at 10:01, Ann <ann@example.org> wrote:", in the languages of common clients.
_OPENING = re.compile(r"\W{0,3}(?:(?:On|Am|Le|El|Il|Op|Em|Den|På|Dne|Dnia|W dniu|В)\s|\d)")
_DATE = re.compile(r"\b\d{4}\b|\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}[./-]\s?\d{1,2}\b|\d月")
_LAST_WORD = re.compile(
    r"(?:wrote|a écrit|escribió|ha scritto|escreveu|napisał\(?a?\)?|napsal\(?a?\)?|писала?|написала?|пишет|yazdı|写道"
    r"|のメール|>)\s?[:：]\Z",
    re.I,
)
_INNER_WORD = re.compile(r"\b(?:schrieb|schreef|skrev)\b", re.I)
_LOOSE = re.compile(r"(?=.*[\d@]).{4,}[:：]")
"""Any line before a quotation with `>` that has a date or an address."""
_DASHED = re.compile(r"-{2,20} ?[^\s-][^-]{2,60}[^\s-] ?-{2,20}|_{20,}|Begin forwarded message:")
_ORIGINAL = re.compile(r"-{2,20} ?(?:Original Message|Forwarded Message) ?-{2,20}", re.I)
_FROM_LINE = re.compile(
    r"\*?(?:From|Von|De|Da|Van|Från|Fra|Od|Lähettäjä|От|差出人|发件人|보낸 사람)\s?[:：]\*?\s+\S", re.I
)
_SUBJECT_LINE = re.compile(
    r"\*?(?:Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp|Assunto|Ämne|Emne|Temat|Předmět|Aihe|Тема|件名|主题|제목)\s?[:：]",
    re.I,
)


class PlainQuotation(NamedTuple):
    """The lines [start, stop) of a text are its last quotation; what follows is the sender's own `-- ` block."""

    start: int
    stop: int


def last_quotation(lines: Sequence[str]) -> PlainQuotation:
    """The quotation that ends the text; it is empty, at the end, when there is none. Lines have no line ends."""
    for index, line in enumerate(lines[:_MOST_LINES]):
        if line and (start := _thread_start(lines, index, line[:_LONGEST].strip())) is not None:
            return PlainQuotation(start, len(lines))
    return _quoted_end(lines)


def _thread_start(lines: Sequence[str], index: int, line: str) -> int | None:
    """Where a thread starts without `>`: all that follows belongs to it, until the end of the text."""
    if line.endswith((":", "：")) and (start := _attribution(lines, index)) is not None:
        following = _following(lines, index)
        return None if following is None or lines[following].startswith(">") else start
    if line[:1] in ("-", "_", "B") and _DASHED.fullmatch(line):
        following = _following(lines, index)
        if following is None or lines[following].startswith(">"):
            return None
        is_known = _ORIGINAL.fullmatch(line) or _FROM_LINE.match(_shown(lines[following]))
        return index if is_known else None
    if _FROM_LINE.match(line):
        block = lines[index + 1 : index + 1 + _HEADER_LINES]
        return index if any(_SUBJECT_LINE.match(_shown(row)) for row in block) else None
    return None


def _shown(line: str) -> str:
    return line[:_LONGEST].strip()


def _attribution(lines: Sequence[str], last: int) -> int | None:
    """The first line of the attribution that ends with line `last`, of which clients make up to three lines."""
    text = ""
    for index in range(last, max(last - _ATTRIBUTION_LINES, -1), -1):
        line = _shown(lines[index])
        if not line or line.startswith(">"):
            return None
        text = f"{line} {text}".rstrip()
        if _OPENING.match(text) and _DATE.search(text) and (_LAST_WORD.search(text) or _INNER_WORD.search(text)):
            return index
    return None


def _following(lines: Sequence[str], index: int) -> int | None:
    """The next line that is not blank, within a few lines."""
    return next((row for row in range(index + 1, min(index + 5, len(lines))) if _shown(lines[row])), None)


def _quoted_end(lines: Sequence[str]) -> PlainQuotation:
    """The lines with `>` at the end of the text, with the attribution above them."""
    end = _text_end(lines, len(lines))
    below = _own_block_start(lines, end)
    stop = _text_end(lines, below)
    nothing = PlainQuotation(len(lines), len(lines))
    if not stop or not lines[stop - 1].startswith(">"):
        return nothing
    start = stop
    while start and (not lines[start - 1].strip() or lines[start - 1].startswith(">")):
        start -= 1
    while not lines[start].startswith(">"):
        start += 1
    start = _with_attribution(lines, start)
    # A quotation with nothing above and the sender's block below: the text belongs under it.
    return PlainQuotation(start, below) if below == end or _text_end(lines, start) else nothing


def _text_end(lines: Sequence[str], stop: int) -> int:
    """The number of lines before `stop` up to the last one that is not blank."""
    while stop and not lines[stop - 1].strip():
        stop -= 1
    return stop


def _own_block_start(lines: Sequence[str], end: int) -> int:
    """The `-- ` line of the block that ends at `end` and follows a quotation, or `end`."""
    for index in range(end - 1, max(end - 1 - _OWN_BLOCK, -1), -1):
        if lines[index].startswith(">"):
            break
        if lines[index].rstrip() == "--":
            return index
    return end


def _with_attribution(lines: Sequence[str], start: int) -> int:
    """The start of the quotation with the line above it that says whose words it has."""
    last = _text_end(lines, start) - 1
    if last < 0 or start - last > 2:
        return start
    if (first := _attribution(lines, last)) is not None:
        return first
    line = _shown(lines[last])
    return last if _LOOSE.fullmatch(line) or _DASHED.fullmatch(line) else start

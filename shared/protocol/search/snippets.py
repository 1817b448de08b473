"""Snippets: the part of a text that shows best why a message is a hit, with the hits marked (RFC 8621 §5).

`html` is safe to show: `&`, `<` and `>` of the text are escaped, and the only tags are `<mark>` and `</mark>` around
hits. `ranges` are the same hits in `text`, which is not escaped, in Unicode code points: neither octets nor the UTF-16
units of JavaScript. White space and control characters are single spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from shared.protocol.search.fragments import Fragment, MarkedRange, best_window, marks_of, with_context
from shared.protocol.search.query import HeaderKey, QueryKey, QueryTree, SearchField, TextKey, WordKey, encodable, keys

SUBJECT_LIMIT = 1000
"""Code points of a subject that are shown."""
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Snippet(msgspec.Struct, frozen=True):
    """A part of a text with hits."""

    text: str
    ranges: tuple[tuple[int, int], ...]
    """Start and end of each hit in `text`, in code points; in order, without overlaps."""
    html: str


def keys_in(tree: QueryTree, field: SearchField) -> list[QueryKey]:
    """The keys of a query that may hit in a text of this field, without the exclusions."""
    fields = (field, SearchField.ANYWHERE)
    return [key for key in keys(tree, positive=True) if isinstance(key, (WordKey, TextKey)) and key.field in fields]


def header_keys(tree: QueryTree, name: str) -> list[QueryKey]:
    """The keys that ask for a text of the header fields of this name, without the exclusions."""
    header = (key for key in keys(tree, positive=True) if isinstance(key, HeaderKey))
    return [key for key in header if key.name.lower() == name.lower()]


def preview(texts: Iterable[str], sought: Sequence[QueryKey]) -> Snippet | None:
    """The fragment of these texts in which most keys hit. None if there is no hit (RFC 8621 §5).

    Its HTML has at most PREVIEW_OCTETS.
    """
    best: Fragment | None = None
    for text in texts:
        marks = marks_of(text, sought)
        if marks:
            fragment = best_window(text, marks)
            if best is None or fragment.worth > best.worth:
                best = fragment
    return _snippet(with_context(best)) if best else None


def marked_subject(subject: str, sought: Sequence[QueryKey]) -> Snippet | None:
    """The subject with its hits. None if there is no hit (RFC 8621 §5)."""
    text = subject[:SUBJECT_LIMIT]
    marks = marks_of(text, sought)
    return _snippet(Fragment(text, 0, len(text), marks, 0, len(text))) if marks else None


def _snippet(fragment: Fragment) -> Snippet:
    text, html, ranges = "", "", []
    at = fragment.start
    for start, end, _ in (*fragment.marks, MarkedRange(fragment.end, fragment.end, frozenset())):
        between = _shown(fragment.text[at:start], text)
        text, html = text + between, html + between.translate(_ESCAPES)
        marked = _shown(fragment.text[start:end], text)
        if marked:
            ranges.append((len(text), len(text) + len(marked)))
            text, html = text + marked, f"{html}<mark>{marked.translate(_ESCAPES)}</mark>"
        at = end
    if html.endswith(" "):
        text, html = text[:-1], html[:-1]
    return Snippet(text, tuple(ranges), html)


def _shown(part: str, before: str) -> str:
    """A part of a text as it is shown behind what is shown already."""
    shown = encodable(_SPACES.sub(" ", part))
    return shown.lstrip(" ") if not before or before.endswith(" ") else shown

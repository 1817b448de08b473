"""Finds in HTML source the end of its page and the quotation that ends it, with a linear tokenizer: no tree.

Quotations are recognised by what Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, Proton, Roundcube and others write
around them. There are elements that contain a quotation, elements right before it, and elements behind which all is
quoted until the end of the page.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

from shared.protocol.message.markup import html_text

# Comments, and elements whose content is no markup, are one token each, also without an end. A quotation mark begins a
# value only behind `=`.
_TOKEN = re.compile(
    r"<!--.*?(?P<comment_end>-->|\Z)"
    r"|<(?P<raw>script|style|template|textarea|title|xmp)\b[^>]*+>.*?(?P<raw_end></(?P=raw)\b[^>]*+>|\Z)"
    r"|<(?P<close>/?)(?P<name>[a-z][a-z0-9]*+)(?P<attributes>(?>(?:[^>=]++|=\s*+(?>(?:\"[^\"]*+\"|'[^']*+')?))*))(?P<end>>?)",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z_:-]++)\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s>"']++))""")
_OUTLOOK_LINE = re.compile(r"\s*border:\s*none;\s*border-top:\s*solid\s+#(?:E1E1E1|B5C4DF)\s+1\.0pt", re.I)
_CONTAINERS: Final = frozenset(
    {"gmail_quote", "protonmail_quote", "tutanota_quote", "moz-forward-container", "zmail_extra"}
)
"""Classes of elements that contain a quotation; Yahoo puts letters of its own in front of its class."""
_BEGINNINGS: Final = frozenset(
    {
        "appendonsend",
        "divrplyfwdmsg",
        "_mailoriginal",
        "stopspelling",
        "zwchr",
        "mail-editor-reference-message-container",
        "olk_src_body_section",
    }
)
"""Names of elements behind which all is quoted; Outlook puts `x_` in front of them when it quotes them itself."""
_MARKED: Final = frozenset({"div", "blockquote", "p", "hr", "a", "span", "table"})
_LONGEST: Final = 500
"""Characters of the attributes of a tag that are looked at."""


class _Mark(Enum):
    CONTAINS = auto()
    PRECEDES = auto()
    BEGINS = auto()


class _Range(NamedTuple):
    start: int
    stop: int


class HtmlEnds(NamedTuple):
    """Offsets in a source. The quotation [start, stop) is empty, at `end`, when nothing ends the page."""

    end: int
    """Where a text at the end of the page is inserted: before `</body>`, if there is one."""
    start: int
    stop: int


def html_ends(source: str) -> HtmlEnds:
    """The end of the page, and the quotation that ends it."""
    return _Ends(source).result()


class _Ends:
    """One pass over the tokens of a source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._body_end = self._html_end = -1
        self._open_start = len(source)
        """The start of a comment, a script or a tag without an end, into which nothing may be inserted."""
        self._begins = -1
        self._containers: list[_Range] = []
        self._prefixes: list[_Range] = []
        self._name = ""
        """The name of the marked element that is open, or ""."""
        self._depth = self._element_start = 0
        self._mark = _Mark.CONTAINS

    def result(self) -> HtmlEnds:
        for token in _TOKEN.finditer(self._source):
            if token["name"] is not None:
                self._tag(token, token["name"].lower())
            if not (token["comment_end"] or token["raw_end"] or token["end"]):
                self._open_start = token.start()
        if self._name:
            self._close(len(self._source))
        end = next((at for at in (self._body_end, self._html_end) if at >= 0), self._open_start)
        start, stop = self._quotation(end)
        return HtmlEnds(end, start, stop)

    def _tag(self, token: re.Match[str], name: str) -> None:
        if token["close"]:
            if name == "body":
                self._body_end = token.start()
            elif name == "html":
                self._html_end = token.start()
        if self._name:
            if name == self._name:
                self._depth += -1 if token["close"] else 1
                if not self._depth:
                    self._close(token.end())
        elif not token["close"] and name in _MARKED and (mark := _mark_of(token["attributes"][:_LONGEST])):
            self._open(token.start(), name, mark)

    def _open(self, start: int, name: str, mark: _Mark) -> None:
        if mark is _Mark.BEGINS:
            self._begins = start if self._begins < 0 else self._begins
            return
        self._name, self._depth, self._element_start, self._mark = name, 1, start, mark

    def _close(self, stop: int) -> None:
        ranges = self._containers if self._mark is _Mark.CONTAINS else self._prefixes
        ranges.append(_Range(self._element_start, stop))
        self._name = ""

    def _quotation(self, end: int) -> _Range:
        if self._begins >= 0:
            return _Range(self._begins, max(end, self._begins))
        if not self._containers:
            return _Range(end, end)
        start, stop = self._containers.pop()
        below = self._visible(stop, end)
        if below and not below.startswith("--"):
            return _Range(end, end)  # the sender has written under the quotation
        while self._containers and not self._visible(self._containers[-1].stop, start):
            start = self._containers.pop().start
        if self._prefixes and self._prefixes[-1].stop <= start and not self._visible(self._prefixes[-1].stop, start):
            start = self._prefixes[-1].start
        if below and not self._visible(0, start):
            return _Range(end, end)  # nothing above, and the sender's own `-- ` block below
        return _Range(start, stop)

    def _visible(self, start: int, stop: int) -> str:
        return html_text(self._source[start:stop], links=False).strip()


def _mark_of(attributes: str) -> _Mark | None:
    if "=" not in attributes:
        return None
    for name, double, single, bare in _ATTRIBUTE.findall(attributes):
        if mark := _meaning(name.lower(), double or single or bare):
            return mark
    return None


def _meaning(name: str, value: str) -> _Mark | None:
    match name:
        case "class":
            words = value.lower().split()
            if "moz-cite-prefix" in words:
                return _Mark.PRECEDES
            is_container = not _CONTAINERS.isdisjoint(words) or any(word.endswith("yahoo_quoted") for word in words)
            return _Mark.CONTAINS if is_container else None
        case "id" | "name":
            word = value.lower().removeprefix("x_")
            if name == "id" and word == "reply-intro":
                return _Mark.PRECEDES
            if name == "name" and word == "quote":
                return _Mark.CONTAINS
            return _Mark.BEGINS if word in _BEGINNINGS else None
        case "type":
            return _Mark.CONTAINS if value.lower() == "cite" else None
        case "style":
            return _Mark.BEGINS if _OUTLOOK_LINE.match(value) else None
    return None

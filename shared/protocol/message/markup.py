"""HTML → the text that a person reads. A linear tokenizer: no tree, no recursion."""

import re
from collections.abc import Iterator
from html import unescape

from shared.protocol.message.urls import find_urls

# Comments, declarations, and elements whose content nobody sees are one token each; unterminated ones reach to the end,
# as they do in browsers.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|<(script|style|template)\b[^>]*+>.*?(?:</\1\b[^>]*+>?|\Z)|<(/?)([a-z][a-z0-9]*+)([^>]*+)>?",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(r"""[\s"'/]([a-zA-Z-]++)\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s>]++))""")
_TELLING = frozenset(
    [
        "href",
        "src",
        "srcset",
        "action",
        "formaction",
        "cite",
        "background",
        "poster",
        "data",
        "longdesc",
        "alt",
        "title",
        "content",
        "label",
        "placeholder",
        "summary",
        "value",
        "aria-label",
    ]
)
"""Attributes that point somewhere or say something to a person."""
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br caption center dd details div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr html legend li main nav ol option p pre section select summary table tbody tfoot thead title tr ul",
    )
)
_CELLS = frozenset(("td", "th"))


def html_text(source: str, links: bool = True) -> str:
    """The visible text, a line per block; with `links`, each address stands in angle brackets behind its anchor's text."""
    lines = "".join(_visible(source, links)).split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def visible_text(source: str, hidden: dict[str, None]) -> str:
    """As `html_text` without links, for a page of a longer source: white space at its ends stays, as one character.

    What the tags point to and say (href, src, alt, title, …), and what comments and scripts point to, goes to `hidden`.
    """
    raw = "".join(_visible(source, False, hidden))
    lines = "\n".join(filter(None, (" ".join(line.split()) for line in raw.split("\n"))))
    return _edge(raw[: len(raw) - len(raw.lstrip())]) + lines + (_edge(raw[len(raw.rstrip()) :]) if lines else "")


def _edge(space: str) -> str:
    if "\n" in space:
        return "\n"
    return " " if space else ""


def _hidden(token: re.Match[str]) -> Iterator[str]:
    attributes = token[4]
    if attributes is None:
        yield from find_urls(token[0], is_html=True)
    else:
        for name, double, single, bare in _ATTRIBUTE.findall(attributes):
            if name.lower() in _TELLING:
                yield unescape(double or single or bare).strip()


def _visible(source: str, links: bool, hidden: dict[str, None] | None = None) -> Iterator[str]:
    at, pending = 0, ""
    for token in _TOKEN.finditer(source):
        if hidden is not None and (token[4] is None or "=" in token[4]):
            hidden.update(dict.fromkeys(_hidden(token)))
        yield _shown(source[at : token.start()])
        at = token.end()
        name = (token[3] or "").lower()
        if name in _BLOCKS:
            yield "\n"
        elif name in _CELLS:
            yield " "
        elif name == "img" and not token[2]:
            yield _alternative(token[4])
        elif name == "a" and links:
            if pending:
                yield f" <{pending}> "
            pending = "" if token[2] else _target(token[4])
    yield _shown(source[at:])
    if pending:
        yield f" <{pending}> "


def _shown(text: str) -> str:
    return unescape(text.replace("\n", " ")) if text else ""


def _attribute(attributes: str, wanted: str) -> str:
    for name, double, single, bare in _ATTRIBUTE.findall(attributes):
        if name.lower() == wanted:
            return unescape(double or single or bare).strip()
    return ""


def _alternative(attributes: str) -> str:
    value = _attribute(attributes, "alt")
    return f" {value} " if value else ""


def _target(attributes: str) -> str:
    value = _attribute(attributes, "href")
    return "" if value.startswith("#") else value

"""Extracts the text that a person reads from HTML, with a linear tokenizer: no tree, no recursion."""

import re
from html import unescape

from shared.protocol.message.urls import find_urls

# Comments, declarations, and elements with invisible content are one token each. Without an end they extend to the end
# of the source, as in browsers.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?"
    r"|<(script|style|template)\b[^>]*+>.*?(?:</\1\b[^>]*+>?|\Z)|<(/?)([a-z][a-z0-9]*+)([^>]*+)>?",
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
"""Attributes that refer to something or contain text for people."""
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br caption center dd details div dl dt fieldset figure footer form h1 "
        "h2 h3 h4 h5 h6 "
        "header hr html legend li main nav ol option p pre section select summary table tbody tfoot thead title tr ul",
    )
)
_CELLS = frozenset(("td", "th"))


def html_text(source: str, links: bool = True) -> str:
    """The visible text, one line for each block; with `links`, each URL follows the text of its anchor in angle
    brackets."""
    return _without_blanks("".join(_visible(source, links)))


def visible_text(source: str, hidden: dict[str, None]) -> str:
    """Like `html_text` without links, for a page of a longer source; white space at its ends is kept as one character.

    References and texts in tags (href, src, alt, title, …), and URLs in comments and scripts, are added to `hidden`.
    """
    raw = "".join(_visible(source, False, hidden))
    lines = _without_blanks(raw)
    return _edge(raw[: len(raw) - len(raw.lstrip())]) + lines + (_edge(raw[len(raw.rstrip()) :]) if lines else "")


def _without_blanks(text: str) -> str:
    """The text without empty lines, and with single spaces for white space."""
    return "\n".join(filter(None, map(_single_spaced, text.split("\n"))))


def _single_spaced(line: str) -> str:
    # Printable text has no white space but spaces, so most lines are done after this.
    return line.strip(" ") if line.isprintable() and "  " not in line else " ".join(line.split())


def _edge(space: str) -> str:
    if "\n" in space:
        return "\n"
    return " " if space else ""


def _keep_hidden(token: re.Match[str], hidden: dict[str, None]) -> None:
    """Add the references and texts of a token that are not visible to `hidden`."""
    attributes = token[4]
    if attributes is None:
        hidden.update(dict.fromkeys(find_urls(token[0], is_html=True)))
    elif "=" in attributes:
        for name, double, single, bare in _ATTRIBUTE.findall(attributes):
            if name.lower() in _TELLING:
                hidden[unescape(double or single or bare).strip()] = None


def _visible(source: str, links: bool, hidden: dict[str, None] | None = None) -> list[str]:
    pieces, at, pending = [], 0, ""
    for token in _TOKEN.finditer(source):
        if text := source[at : token.start()]:
            pieces.append(_joined_lines(text))
        at = token.end()
        if hidden is not None:
            _keep_hidden(token, hidden)
        name = (token[3] or "").lower()
        if name in _BLOCKS:
            pieces.append("\n")
        elif name in _CELLS:
            pieces.append(" ")
        elif name == "img" and not token[2]:
            pieces.append(_alternative(token[4]))
        elif name == "a" and links:
            pieces.append(f" <{pending}> " if pending else "")
            pending = "" if token[2] else _target(token[4])
    pieces.append(_joined_lines(source[at:]))
    return [*pieces, f" <{pending}> "] if pending else pieces


def _joined_lines(text: str) -> str:
    return unescape(text.replace("\r\n", " ").replace("\n", " "))


def _attribute(attributes: str, name: str) -> str:
    for attribute, double, single, bare in _ATTRIBUTE.findall(attributes):
        if attribute.lower() == name:
            return unescape(double or single or bare).strip()
    return ""


def _alternative(attributes: str) -> str:
    value = _attribute(attributes, "alt")
    return f" {value} " if value else ""


def _target(attributes: str) -> str:
    value = _attribute(attributes, "href")
    return "" if value.startswith("#") else value

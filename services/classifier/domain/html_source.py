"""Extracts the visible text and the tokens of the tags from HTML source.

The time is linear in the input: no pattern here backtracks over a tag twice.
"""

import re
from html import unescape
from typing import NamedTuple

MAX_TAGS = 400
MAX_ATTRIBUTES = 8

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_HIDDEN = re.compile(r"<(style|script)\b[^<>]*+>.*?(?:</\1|\Z)", re.I | re.S)
# Tags that do not separate words: spammers write V<b></b>iagra, and readers see one word.
_INLINE = re.compile(r"/?(?:b|i|u|a|em|font|span|strong|small|big)(?![a-z0-9])", re.I)
_TAG = re.compile(r"<(/?[A-Za-z!][^<>]*+)>")
_ATTRIBUTE = re.compile(r"""([a-z-]{1,20})\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>"']++)""", re.I)
# Attributes whose value is content, an address or a serial number: only their presence makes a token.
_OPAQUE = frozenset(
    ("href", "src", "alt", "title", "content", "name", "id", "class", "action", "background", "style", "value")
)


class HtmlText(NamedTuple):
    """The visible text, and tokens like `<font`, `<color=#ff0000` and `<a href`."""

    visible: str
    tokens: list[str]


def read_html(source: str) -> HtmlText:
    """The visible text and the markup tokens of an HTML source."""
    shown = _HIDDEN.sub(" ", _COMMENT.sub("", source)) if "<" in source else source
    pieces = _TAG.split(shown)  # text and tags alternate
    tags = pieces[1::2]
    gaps = {tag: "" if _INLINE.match(tag) else " " for tag in set(tags)}
    pieces[1::2] = [gaps[tag] for tag in tags]
    tokens = [token for tag in dict.fromkeys(tags[:MAX_TAGS]) for token in _tag_tokens(tag)]
    return HtmlText(unescape("".join(pieces)), tokens)


def looks_like_html(text: str) -> bool:
    """Whether a part that is declared as plain text is HTML."""
    return "<html" in text[:2000].lower()


def _tag_tokens(tag: str) -> list[str]:
    name = tag.split(None, 1)[0].lower()[:12]
    tokens = [f"<{name}"]
    if "=" in tag:
        for key, value in _ATTRIBUTE.findall(tag[:500])[:MAX_ATTRIBUTES]:
            tokens.append(_attribute_token(name, key.lower(), value))
    return tokens


def _attribute_token(tag: str, key: str, value: str) -> str:
    if key in _OPAQUE:
        return f"<{tag} {key}"
    return f"<{key}={value.strip(chr(34) + chr(39)).lower()[:16]}".replace("\n", " ")

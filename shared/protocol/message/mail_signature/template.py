"""The mail signature of a domain, and its text for a user: placeholders become values.

A placeholder is `{name}`, `{address}` or the name of another field of the user. A placeholder without a value stays as
text. Values come from users: they have no line breaks, a bounded length, and are escaped in HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Final, NamedTuple

import msgspec

from shared.protocol.message.markup import html_text

MAX_TEXT: Final = 10_000
"""Characters of the text of a mail signature."""
MAX_HTML: Final = 50_000
"""Characters of its HTML."""
MAX_PLACEHOLDERS: Final = 100
"""Placeholders in its text, and in its HTML."""
MAX_VALUE: Final = 200
"""Characters of a value; what is longer is cut."""

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.-]{0,63})\}")
_LINE_END = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_JOINERS: Final = "\u200c\u200d"
"""Invisible characters that names in Persian, in Indic scripts and with emoji need."""
# What belongs to a whole page, and what could hide the rest of the message when it has no end.
_NO_FRAGMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|</?(?:html|body|plaintext)\b[^>]*+>?"
    r"|<(head|script|style|template|textarea|title|xmp|iframe|noembed|noframes|noscript)\b[^>]*+>?.*?(?:</\1\b[^>]*+>?|\Z)",
    re.I | re.S,
)
_UNFINISHED_TAG = re.compile(r"<[^<>]*\Z")


class MailSignature(msgspec.Struct, frozen=True):
    """The mail signature of a domain; a form that is blank is made from the other one.

    Raises ValueError when a form is too long or has too many placeholders.
    """

    text: str = ""
    html: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT or len(self.html) > MAX_HTML:
            raise ValueError(f"a mail signature has at most {MAX_TEXT} characters of text and {MAX_HTML} of HTML")
        if any(len(_PLACEHOLDER.findall(form)) > MAX_PLACEHOLDERS for form in (self.text, self.html)):
            raise ValueError(f"a mail signature has at most {MAX_PLACEHOLDERS} placeholders")


class FilledSignature(NamedTuple):
    """A mail signature for a user. Lines end with LF; both forms are empty, or none is."""

    text: str
    html: str


def filled(signature: MailSignature, values: Mapping[str, str]) -> FilledSignature:
    """The mail signature with these values, by the lower-case name of their placeholder.

    The text has no `-- ` in front and no white space at the ends of its lines. The HTML is a fragment: it has no
    comments, no scripts, and nothing of a page around it.
    """
    plain = {name: plain_value(value) for name, value in values.items()}
    text = _lines(_with_values(signature.text, plain))
    html = _with_values(_fragment(signature.html), {name: escape(value) for name, value in plain.items()})
    if not html_text(html).strip() and "<img" not in html.lower():
        html = _html_of(text)
    return FilledSignature(text or _lines(html_text(html)), html)


def placeholders_of(signature: MailSignature) -> frozenset[str]:
    """The names of the placeholders in both forms."""
    return frozenset(_PLACEHOLDER.findall(signature.text) + _PLACEHOLDER.findall(signature.html))


def plain_value(value: str) -> str:
    """A value on one line, without invisible characters, and of a bounded length."""
    shown = "".join(char if char.isprintable() or char in _JOINERS else " " for char in value[: 4 * MAX_VALUE])
    return " ".join(shown.split())[:MAX_VALUE]


def _with_values(form: str, values: Mapping[str, str]) -> str:
    """A value is not looked at for placeholders again."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), form)


def _lines(text: str) -> str:
    lines = [line.rstrip() for line in _CONTROLS.sub("", _LINE_END.sub("\n", text)).split("\n")]
    text = "\n".join(lines).strip("\n")
    if lines and text.startswith("--\n"):
        text = text[3:].lstrip("\n")
    return "" if text == "--" else text


def _fragment(html: str) -> str:
    html = _CONTROLS.sub("", _LINE_END.sub("\n", html))
    return _UNFINISHED_TAG.sub("", _NO_FRAGMENT.sub("", html)).strip()


def _html_of(text: str) -> str:
    """The text as HTML that shows the same lines and blanks."""
    return "<br>\n".join(escape(line, quote=False).replace("  ", "&nbsp; ") for line in text.split("\n"))

"""Finds the URLs in a text: in its source, so in attributes as well as between tags."""

import re
from collections.abc import Iterator
from html import unescape

MAX_URLS = 1000

_REST = r"[^\s<>\"'`{|}\\^\x00-\x20]++"
# The patterns begin with letters without case, or of one case, so that they are searched at memory speed.
_AFTER_SCHEME = re.compile(r"://" + _REST)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_BARE = (re.compile(r"www\." + _REST), re.compile(r"WWW\." + _REST))
_LONGEST_SCHEME = 16
_PUNCTUATION = ".,;:!?)]>*_"


def find_urls(source: str, is_html: bool = False) -> Iterator[str]:
    """Each `scheme://…`, then each `www.…` without a scheme, without trailing punctuation.

    HTML entities are decoded if `is_html`.
    """
    for url in _with_scheme(source):
        yield (unescape(url) if is_html else url).rstrip(_PUNCTUATION)
    for pattern in _BARE:
        for match in pattern.finditer(source):
            if not _continues(source, match.start()):
                yield (unescape(match[0]) if is_html else match[0]).rstrip(_PUNCTUATION)


def _with_scheme(source: str) -> Iterator[str]:
    for match in _AFTER_SCHEME.finditer(source):
        start = match.start()
        if scheme := _SCHEME.search(source, max(0, start - _LONGEST_SCHEME), start):
            yield scheme[0] + match[0]


def _continues(source: str, at: int) -> bool:
    """Whether `www` is in the middle of a word."""
    before = source[at - 1 : at] if at else ""
    return before.isalnum() or before in ("/", ".", "@", "-", "_")


def distinct(urls: Iterator[str], limit: int = MAX_URLS) -> list[str]:
    """The first `limit` distinct URLs in order."""
    seen: dict[str, None] = {}
    for url in urls:
        seen.setdefault(url)
        if len(seen) >= limit:
            break
    return list(seen)

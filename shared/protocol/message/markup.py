"""HTML → the text that a person reads, and the addresses it points to. A linear tokenizer: no tree, no recursion."""

import re
from collections.abc import Iterator
from html import unescape

# Comments, declarations, and elements whose content nobody sees are one token each; unterminated ones reach to the end,
# as they do in browsers.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|<(script|style|template|noscript)\b[^>]*+>.*?(?:</\1\b|\Z)|<(/?)([a-z][a-z0-9]*+)([^>]*+)>?",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(r"""(href|src|action|background|alt)\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s>]++))""", re.I)
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br caption center dd details div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr html legend li main nav ol option p pre section select summary table tbody tfoot thead title tr ul",
    )
)
_CELLS = frozenset(("td", "th"))
_URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"'\x00-\x20]++|mailto:[^\s<>\"'\x00-\x20]++", re.I)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
_CONTROL = re.compile(r"[\t\r\n ]+")
_MAX_URLS = 1000


def html_text(source: str, links: bool = True) -> str:
    """The visible text, a line per block; with `links`, each address stands in angle brackets behind its anchor's text."""
    text = _BLANKS.sub(" ", "".join(_visible(source, links)))
    return _LINES.sub("\n", text).strip()


def _visible(source: str, links: bool) -> Iterator[str]:
    at, pending = 0, ""
    for token in _TOKEN.finditer(source):
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
    return unescape(_CONTROL.sub(" ", text)) if text else ""


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for match in _ATTRIBUTE.finditer(text):
        yield match[1].lower(), unescape(match[2] or match[3] or match[4] or "").strip()


def _alternative(attributes: str) -> str:
    return next((f" {value} " for name, value in _attributes(attributes) if name == "alt" and value), "")


def _target(attributes: str) -> str:
    return next((value for name, value in _attributes(attributes) if name == "href" and not value.startswith("#")), "")


def html_urls(source: str) -> Iterator[str]:
    """Every address that a tag of the source points to."""
    for token in _TOKEN.finditer(source):
        for name, value in _attributes(token[4] or ""):
            if name != "alt" and value and value[:1] not in "#":
                yield value


def text_urls(text: str) -> Iterator[str]:
    """Addresses that stand in plain text, without the punctuation behind them."""
    for match in _URL.finditer(text):
        yield match[0].rstrip(".,;:!?)]}>'*_")


def distinct(urls: Iterator[str], limit: int = _MAX_URLS) -> list[str]:
    """The first `limit` different addresses in order."""
    seen: dict[str, None] = {}
    for url in urls:
        seen.setdefault(url)
        if len(seen) >= limit:
            break
    return list(seen)

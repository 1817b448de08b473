"""Converts the URLs in a text to tokens: the end of the host name and the words of the path, without numbers."""

import re
from collections.abc import Iterator

from services.classifier.domain.strange import lower

MAX_URLS = 60
MAX_PATH_WORDS = 12

_REST = r"""([^\s<>"')\\]{1,400}+)"""
# Each pattern begins with a literal, so the regex engine finds candidates at memory speed.
_STARTS = tuple((literal, re.compile(re.escape(literal) + _REST)) for literal in ("://", "www.", "mailto:"))

_PATH_WORD = re.compile(r"[a-z]{3,20}")


def url_tokens(text: str) -> Iterator[str]:
    """The tokens of the distinct URLs in a text (HTML source or plain text)."""
    lowered = lower(text)
    addresses = dict.fromkeys(
        address for literal, start in _STARTS if literal in lowered for address in start.findall(lowered)[:MAX_URLS]
    )
    if addresses:
        yield "url:"
    for address in addresses:
        yield from _tokens(address)


def host_tokens(prefix: str, host: str) -> Iterator[str]:
    """Tokens of the last two and the last three labels: a registry alone says little, and so does one host of many."""
    labels = host.rstrip(".").split(".")
    if labels[-1].isdigit():
        yield f"{prefix}ip"
        return
    if len(labels) > 2:
        yield prefix + ".".join(labels[-3:])
    yield prefix + ".".join(labels[-2:])


def _tokens(address: str) -> Iterator[str]:
    host, _, path = address.partition("/")
    yield from host_tokens("url:", host.rpartition("@")[2].partition(":")[0][:100])
    for word in _PATH_WORD.findall(path)[:MAX_PATH_WORDS]:
        yield f"path:{word}"

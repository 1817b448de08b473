"""Writes a verdict as X-Spam-Flag, X-Spam-Status and X-Spam-Level, as mail filters write and clients read them.

Names of tests come from rules that administrators write; all but harmless characters are removed from them.
"""

import re
from collections.abc import Iterator

from services.classifier.domain.verdict import Verdict

MAX_LINE = 76
MAX_STARS = 50
MAX_TESTS = 200

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def spam_headers(verdict: Verdict, version: str) -> bytes:
    """The header fields, each ending in CRLF, folded at spaces and after commas (RFC 5322 §2.2.3)."""
    flag = b"X-Spam-Flag: YES\r\n" if verdict.is_spam else b""
    stars = b"*" * max(0, min(MAX_STARS, int(verdict.score)))
    return b"%sX-Spam-Status: %s\r\nX-Spam-Level:%s\r\n" % (
        flag,
        _folded(_status(verdict, version)),
        b" " + stars if stars else b"",
    )


def _status(verdict: Verdict, version: str) -> list[str]:
    """The value of X-Spam-Status in pieces between which a line may break."""
    names = [_safe(test.name) for test in verdict.tests[:MAX_TESTS]] or ["none"]
    tests = [f"{name}," for name in names[:-1]] + [f"{names[-1]} "]
    return [
        "Yes, " if verdict.is_spam else "No, ",
        f"score={verdict.score:.1f} ",
        f"required={verdict.required:.1f} ",
        f"tests={tests[0]}",
        *tests[1:],
        "autolearn=no ",
        f"version={_safe(version)}",
    ]


def _folded(pieces: list[str]) -> bytes:
    return "\r\n\t".join(line.rstrip(" ") for line in _lines(pieces)).encode("ascii")


def _lines(pieces: list[str]) -> Iterator[str]:
    line, room = "", MAX_LINE - len("X-Spam-Status: ")
    for piece in pieces:
        if line and len(line) + len(piece) > room:
            yield line
            line, room = "", MAX_LINE - 8  # room for the tab that begins the next line
        line += piece
    yield line


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name[:60]) or "_"

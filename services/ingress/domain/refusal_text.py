"""The reply with which a recipient's script refuses a message: its reason in lines that SMTP can carry."""

from __future__ import annotations

import re
import textwrap
import unicodedata

from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply

EREJECT = "ereject"
GENERAL = "The recipient does not accept this message"
"""Said for a reason that the reply cannot carry."""
_MOST_LINES = 20
_LONGEST_LINE = 120
"""Characters, at most 480 octets of UTF-8; RFC 5321 §4.5.3.1.5 allows 512 octets with the codes."""
_MOST_CHARACTERS = 8000
"""Of a reason; what is longer does not fit into the lines anyway."""
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_PLAIN = str.maketrans({"ß": "ss", "–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "…": "..."})


def refusal_reply(kind: str, reason: str, *, smtputf8: bool) -> Reply | None:
    """The refusal of a message; None where it must not be refused in the dialogue.

    `ereject` prefers the refusal to its text: a reason that is not ASCII is replaced (RFC 5429 §2.1.1) unless the
    client takes UTF-8, and a long one is cut. `reject` prefers its text, so a reason that the reply cannot carry whole
    is sent in a report later (§2.2).
    """
    lines = _lines(reason)
    is_ascii = all(line.isascii() for line in lines)
    is_cut = len(lines) > _MOST_LINES or len(reason) > _MOST_CHARACTERS
    if kind != EREJECT and (is_cut or not (is_ascii or smtputf8)):
        return None
    if not is_ascii and not smtputf8:
        lines = _as_ascii(lines)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], "..."]
    return replies.refused_by_script(tuple(lines), utf8=smtputf8)


def _lines(reason: str) -> list[str]:
    """The lines of a reason without controls, each short enough; never none."""
    parts = (_SPACES.sub(" ", line).strip() for line in reason[:_MOST_CHARACTERS].strip().splitlines())
    pieces = [piece for line in parts for piece in (textwrap.wrap(line, _LONGEST_LINE, break_on_hyphens=False) or [""])]
    return pieces if any(pieces) else [GENERAL]


def _as_ascii(lines: list[str]) -> list[str]:
    """The lines without accents, or a general text when something else than accents would be lost."""
    plain = [unicodedata.normalize("NFKD", line.translate(_PLAIN)) for line in lines]
    bare = ["".join(character for character in line if not unicodedata.combining(character)) for line in plain]
    return bare if all(line.isascii() for line in bare) else [GENERAL]

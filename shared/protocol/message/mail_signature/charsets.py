"""The text of a part in a form that gives the same octets again, and the octets of the text with something inserted.

Old octets stay the same octets wherever that is possible, even those that are not of the charset that the part names:
they are read as surrogates (PEP 383). Only a character that the charset does not have makes the text UTF-8.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases
from typing import Final, NamedTuple

from shared.protocol.message.charset import codec_of
from shared.protocol.message.mail_signature.outcome import CannotPlace, SkipReason

_ESCAPING: Final = "surrogateescape"
_SEPARATOR = re.compile(r"[^a-z0-9]+")
_CODECS: Final = frozenset(aliases.values())


class ReadText(NamedTuple):
    """The text of a part."""

    text: str
    codec: str
    declared: str
    """The codec of the charset's own definition; `codec` may be a superset that senders use under its name."""
    is_exact: bool
    """Whether `codec` gives the same octets again."""
    is_clean: bool
    """Whether all octets are of the charset, so that the text can be written in another one."""


class WrittenText(NamedTuple):
    """Octets of a changed text."""

    octets: bytes
    charset: str
    """The new charset of the part, or "" when the old one stays."""
    inserted: str
    """What was inserted, as it was written."""


def read_text(octets: bytes, charset: str) -> ReadText:
    """The text of decoded octets. Raises CannotPlace for an unknown charset, or when it cannot be read."""
    meant = codec_of(charset or "us-ascii")
    if meant is None:
        raise CannotPlace(SkipReason.UNKNOWN_CHARSET)
    declared = _declared_codec(charset or "us-ascii") or meant
    # Unlabelled UTF-8 is common; a text in another charset without a label is not guessed at.
    codecs = dict.fromkeys((declared, "utf_8") if declared == "ascii" else (declared, meant))
    texts = [ReadText(text, codec, declared, *_traits(text, codec, octets)) for codec, text in _read(octets, codecs)]
    best = next((text for text in texts if text.is_clean), texts[0] if texts else None)
    if best is None or not (best.is_exact or best.is_clean):
        raise CannotPlace(SkipReason.BROKEN_CHARSET)
    return best


def _read(octets: bytes, codecs: dict[str, None]) -> list[tuple[str, str]]:
    texts = []
    for codec in codecs:
        try:
            texts.append((codec, octets.decode(codec, _ESCAPING)))
        except UnicodeError:
            continue  # in UTF-16, an octet below 128 that is no character cannot be escaped
    return texts


def _traits(text: str, codec: str, octets: bytes) -> tuple[bool, bool]:
    return _encoded(text, codec, _ESCAPING) == octets, _encoded(text, "utf_8") is not None


def _encoded(text: str, codec: str, errors: str = "strict") -> bytes | None:
    try:
        return text.encode(codec, errors)
    except UnicodeError:
        return None


def _declared_codec(charset: str) -> str | None:
    """Python's own codec of this name. The raw name never reaches Python's look-up, which keeps every name forever."""
    name = _SEPARATOR.sub("_", charset[:64].lower()).strip("_")
    return aliases.get(name) or (name if name in _CODECS else None)


def written_text(old: ReadText, at: int, inserted: str, *, is_html: bool) -> WrittenText:
    """The octets with `inserted` at this offset of the text. Raises CannotPlace.

    HTML needs no other charset: it gets character references for what its charset does not have.
    """
    if old.is_exact and is_html and not _fits(inserted, old):
        inserted = inserted.encode("ascii", "xmlcharrefreplace").decode("ascii")
    text = old.text[:at] + inserted + old.text[at:]
    if old.is_exact and _fits(inserted, old):
        octets = _encoded(text, old.codec, _ESCAPING)
        if octets is not None:
            return WrittenText(octets, "", inserted)
    octets = _encoded(text, "utf_8")
    if octets is None:
        raise CannotPlace(SkipReason.BROKEN_CHARSET)
    return WrittenText(octets, "utf-8", inserted)


def _fits(inserted: str, old: ReadText) -> bool:
    """Whether the charset has these characters, also for a reader that takes its name literally."""
    octets = _encoded(inserted, old.declared)
    if octets is None:
        return False
    return old.codec == old.declared or _encoded(inserted, old.codec) == octets

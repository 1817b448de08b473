"""Keys of generated tests: pieces of the corpus's own header fields and bodies, as patterns of each match type."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.mail.view import PresentMessage

_NAMES_TEXT = (
    "subject from to cc received message-id date content-type x-mailer x-spam-level list-id mime-version "
    "reply-to return-path x-none sender in-reply-to x-priority x-added"
)
NAMES = tuple(_NAMES_TEXT.split())
_WORD = re.compile(r"[A-Za-z0-9_.+-]{2,30}")
_SPECIAL = re.compile(r"[\\.*+?^$|(){}\[\]]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MIME = "text plain html us-ascii iso-8859-1 utf-8 multipart mixed alternative image gif attachment inline 7bit base64"
_DATES = {
    "year": ("1996", "1999", "2002", "2000"),
    "month": ("01", "08", "12", "9"),
    "weekday": ("0", "3", "6"),
    "zone": ("+0000", "-0500", "+0200"),
    "julian": ("52000", "52500"),
}


def quoted(text: str) -> str:
    """A quoted string of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted_list(texts: Iterable[str]) -> str:
    """A string list of the language; a single string without brackets."""
    strings = [quoted(text) for text in texts]
    return strings[0] if len(strings) == 1 else "[" + ", ".join(strings) + "]"


class Keys:
    """Pieces of a corpus."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self._values: dict[str, list[str]] = {name: [] for name in NAMES}
        bodies: list[str] = []
        for octets in messages:
            header = PresentMessage(message_in_memory(octets)).header
            for name in NAMES:
                self._values[name] += map(_text, header.values(name.encode()))
            bodies.append(_text(octets.partition(b"\r\n\r\n")[2][:4000]))
        self.words = [word for name in ("subject", "from", "x-mailer") for word in _words(self._values[name])] or ["a"]
        self.body_words = _words(bodies) or ["a"]
        self.mime_words = [*_MIME.split(), *self._values["content-type"]]

    def names(self, rng: random.Random) -> list[str]:
        """One or two names of fields."""
        return rng.sample(NAMES, rng.choice((1, 1, 1, 2)))

    def of_fields(self, names: Sequence[str]) -> list[str]:
        """The values of the fields."""
        return [value for name in names for value in self._values[name]] or self.words

    def of_addresses(self, name: str, part: str) -> list[str]:
        """Addresses of the fields, or their parts."""
        addresses = [
            word for value in self._values.get(name, ()) for word in re.findall(r"[^\s<>,;\"()]+@[^\s<>,;\"()]+", value)
        ]
        if part in (":localpart", ":user"):
            addresses = [address.partition("@")[0] for address in addresses]
        if part == ":domain":
            addresses = [address.partition("@")[2] for address in addresses]
        return addresses or ["example.com", "a@example.org", "owner"]

    def of_dates(self, part: str) -> Sequence[str]:
        """Values of a part of a date."""
        return _DATES.get(part, ("10", "2002-08-22", "12:00:00", "2002-08-22T12:26:25Z", "Thu, 22 Aug 2002"))

    def key(self, rng: random.Random, kind: str, values: Sequence[str]) -> str:
        """A key of the match type, made of one of the values."""
        value = rng.choice(values)
        if kind in ("is", "value"):
            return value if rng.random() < 0.7 else rng.choice((value.upper(), value.lower(), "", value + " "))
        start = rng.randint(0, max(len(value) - 1, 0))
        piece = value[start : start + rng.randint(1, 12)]
        if kind == "contains":
            return rng.choice((piece, piece, piece.swapcase(), value, ""))
        return _glob(rng, value, piece) if kind == "matches" else _regex(rng, value, piece)


def _glob(rng: random.Random, value: str, piece: str) -> str:
    quoted_piece = re.sub(r"[\\*?]", r"\\\g<0>", piece)
    head = re.sub(r"[\\*?]", r"\\\g<0>", value[:6])
    return rng.choice(
        (
            f"*{quoted_piece}*",
            f"{head}*",
            f"*{quoted_piece}",
            f"{head}?*",
            f"*?{quoted_piece}?*",
            "?*",
            "*",
            "*.*@*",
            "* *",
        )
    )


def _regex(rng: random.Random, value: str, piece: str) -> str:
    plain = _SPECIAL.sub(r"\\\g<0>", piece)
    head = _SPECIAL.sub(r"\\\g<0>", value[:5])
    return rng.choice(
        (
            plain,
            f"^{head}(.*)",
            f"(.*){plain}(.*)",
            f"({plain}|x)+",
            "([a-z]+)@([a-z.]+)",
            "^([^ ]+) (.*)$",
            "[0-9]{2,4}",
            "[[:upper:]][[:lower:]]+",
            "(a|ab)(c|bcd)?(d*)",
            "^$",
        )
    )


def _text(value: bytes) -> str:
    return _CONTROL.sub(" ", value.decode("utf-8", "ignore")).replace("${", "")[:300]


def _words(values: Iterable[str]) -> list[str]:
    return [word for value in values for word in _WORD.findall(value)][:20000]

"""Made words of several scripts, as many as a large mailbox has, with the frequencies of natural language."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from loadtest.content.vocabulary import FREQUENT, OFFICE, Vocabulary

_ENDINGS = ("", "", "", "s", "er", "ing", "ed", "ation", "able", "ment", "ly", "ion")


@dataclass(frozen=True, slots=True)
class Script:
    """A kind of mail: the share of mails that have it, the number of its words, and how they are made."""

    name: str
    share: float
    count: int
    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]
    endings: tuple[str, ...] = ("",)
    joint: str = " "
    """Between two words of a sentence."""

    def word(self, chance: random.Random) -> str:
        """A new word of one to four syllables."""
        syllables = chance.choices((1, 2, 3, 4), (1, 6, 5, 2))[0]
        parts = (chance.choice(group) for _ in range(syllables) for group in (self.onsets, self.vowels, self.codas))
        return "".join(parts) + chance.choice(self.endings)


@dataclass(frozen=True, slots=True)
class _Ideographs(Script):
    """Words of one to three characters without spaces between them."""

    def word(self, chance: random.Random) -> str:
        length = chance.choices((1, 2, 3), (2, 6, 1))[0]
        # The common characters are few: the square of a random number prefers low ones.
        return "".join(chr(0x4E00 + int(2500 * chance.random() ** 2) * 7) for _ in range(length))


def _letters(text: str) -> tuple[str, ...]:
    return tuple(text.split(" "))


LATIN = Script(
    "latin",
    0.72,
    26_000,
    _letters("b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl pr qu sh st tr th"),
    _letters("a e i o u a e i o ai ea ou"),
    ("", "", "", *_letters("n r s t l m ck nd rt x")),
    _ENDINGS,
)
SCRIPTS = (
    LATIN,
    Script(
        "accented",
        0.10,
        9_000,
        _letters("b d f g k l m n p r s t v z č ł ñ ř š ž ç sch"),
        _letters("a e i o u ä ö ü é è ą ę å ø"),
        ("", "", *_letters("n r s t l ch")),
        ("", "", "en", "lich", "ção"),
    ),
    Script(
        "cyrillic",
        0.08,
        8_000,
        _letters("б в г д ж з к л м н п р с т ф х ц ч ш"),
        _letters("а е и о у я ю ы"),
        ("", "", *_letters("н р с т л й")),
        ("", "", "ость", "ать", "ный"),
    ),
    _Ideographs("ideographs", 0.06, 5_000, (), (), (), joint=""),
    Script(
        "arabic",
        0.02,
        1_500,
        _letters("ب ت ج ح د ر س ش ع ف ق ك ل م ن"),
        _letters("ا و ي"),
        ("", *_letters("ن م ر ة")),
    ),
    Script(
        "greek",
        0.02,
        1_500,
        _letters("β γ δ ζ θ κ λ μ ν π ρ τ φ χ"),
        _letters("α ε η ι ο υ ω"),
        ("", "ν", "ρ"),
    ),
)


@cache
def vocabulary(script: Script) -> Vocabulary:
    """The words of a script by rank; those of the Latin one begin with words that are frequent in English."""
    made = dict.fromkeys((*FREQUENT, *OFFICE)) if script is LATIN else {}
    chance = random.Random(f"words of {script.name}")
    while len(made) < script.count:
        made.setdefault(script.word(chance))
    ranked = tuple(made)
    weights = [1.0 / (rank + 2.7) for rank in range(1, len(ranked) + 1)]
    mean = sum(len(word) * weight for word, weight in zip(ranked, weights, strict=True)) / sum(weights)
    return Vocabulary(ranked, tuple(itertools.accumulate(weights)), mean)


def script_of(chance: random.Random) -> Script:
    """The script of a mail."""
    return chance.choices(SCRIPTS, [script.share for script in SCRIPTS])[0]


def sentences(chance: random.Random, script: Script, size: int, closed: Callable[[list[str]], str]) -> list[str]:
    """Sentences of about `size` characters; a quarter of those of other scripts are Latin, as in quoted mail."""
    made, left = [], size
    while left > 0:
        used = LATIN if chance.random() < 0.25 else script
        text = used.joint.join(vocabulary(used).draw(chance, chance.randrange(5, 19))) if used.joint else ""
        made.append(closed([text or " ".join(_runs(chance, used))]))
        left -= len(made[-1]) + 1
    return made


def _runs(chance: random.Random, script: Script) -> list[str]:
    """Clauses without spaces."""
    return ["".join(vocabulary(script).draw(chance, chance.randrange(4, 12))) for _ in range(3)]

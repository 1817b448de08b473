"""What one character becomes in the words of the ranked index: case, compatibility forms and accents are folded.

A character of the categories L*, N*, Co, Mn and Mc belongs to a word; every other one separates words. Invisible
characters (soft hyphen, joiners, variation selectors) disappear. Accents disappear, and so do the marks of Arabic and
Hebrew that most texts leave out. Marks that carry meaning stay: vowels and viramas of Indian scripts, the marks of
Thai, Khmer and Burmese, the voiced kana. In Cyrillic й, ї, ў, ѓ and ќ are letters of their own; ё is written е in most
texts.
"""

import re
import unicodedata
from collections.abc import Iterator

# Letters that never decompose, by what people write for them who do not have the letter.
_WRITTEN_FOR = {
    "a": "ⱥᶏ",
    "ae": "æ",
    "aa": "ꜳ",
    "b": "ƀɓƃ",
    "c": "ȼƈ",
    "d": "đɗƌɖȡẟ",
    "dh": "ð",
    "e": "ɇɛǝə",
    "f": "ƒ",
    "g": "ǥɠɡ",
    "h": "ħɦⱨ",
    "i": "ıɨɪ",
    "j": "ɉȷ",
    "k": "ƙĸⱪ",
    "l": "łƚɫɬɭȴⱡ",
    "ll": "ỻ",
    "m": "ɱ",
    "n": "ŋɲƞɳȵ",
    "o": "øɵɔ",
    "oe": "œ",
    "oo": "ꝏ",
    "p": "ƥᵽ",
    "q": "ʠ",
    "r": "ɍɽɼ",
    "s": "ʂȿẜẝ",
    "t": "ŧƭʈȶⱦ",
    "th": "þ",
    "u": "ʉ",
    "v": "ʋⱱỽ",
    "w": "ⱳ",
    "y": "ɏƴỿ",
    "z": "ƶȥʐʒⱬ",
    "г": "ґ",
    "ي": "ىی",
    "ك": "ک",
    "ه": "ةہ",
    # The apostrophe as a letter is the apostrophe of others; tatweel, fillers and inherent vowels are not seen.
    " ": "ʻʼ\u02bd\u02be\u02bf",
    "": "\u0640\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f",
}
_WRITTEN_AS = {character: written for written, several in _WRITTEN_FOR.items() for character in several}
_KEPT = frozenset("йїўѓќ")
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711\u0730-\u074a"
    "\u07eb-\u07f3\u0898-\u089f\u08ca-\u08ff\u093c\u0951-\u0954\u135d-\u135f\u1ab0-\u1aff\u1cd0-\u1cf9\u1dc0-\u1dff"
    "\u20d0-\u20ff\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302d\ua66f-\ua69f\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f"
    "\U000e0100-\U000e01ef]"
)
"""Marks that disappear. Applied to characters of the category Mn only."""
_IOTA_BELOW = "\u0345"
"""An accent that `casefold` makes a letter."""
_LONGEST = 4
"""Compatibility forms that stand for more characters than this stay as they are (U+FDFA stands for four words)."""
_REMEMBERED = 1 << 16


class CharacterTable(dict[int, str | int]):
    """For `str.translate`: what each character becomes, computed when it is first met."""

    def __missing__(self, code: int) -> str | int:
        if 0x4E00 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7A3 or 0x20000 <= code <= 0x2A6DF:
            value: str | int = code  # Han and Hangul
        else:
            character = chr(code)
            category = unicodedata.category(character)
            if category in ("Cn", "Co"):
                return " " if category == "Cn" else code  # so many that they are not remembered
            value = folded_character(character)
        if len(self) < _REMEMBERED:
            self[code] = value
        return value


def folded_character(character: str) -> str:
    """The letters that a character becomes, with a space where it separates words."""
    if not belongs_to_word(character):
        return _between_words(character)
    small = character.casefold()
    if small in _KEPT:
        return small
    plain = unicodedata.normalize("NFKD", character).replace(_IOTA_BELOW, "")
    pieces = unicodedata.normalize("NFKD", plain.casefold())
    if len(pieces) > _LONGEST:
        return character
    return unicodedata.normalize("NFC", "".join(map(_piece, pieces)))


def belongs_to_word(character: str) -> bool:
    """Whether the category of the character is one of L*, N*, Co, Mn, Mc."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category in ("Co", "Mn", "Mc")


def is_attached(character: str) -> bool:
    """Whether a character may change the one before it, or is invisible: a mark, a joiner, a half-width voiced mark,
    a vowel or final consonant of Hangul.
    """
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Cf")
        or "\u1160" <= character <= "\u11ff"
        or character in "\uff9e\uff9f"
    )


def clusters(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of the text that are folded apart: each character with the ones that are attached to it."""
    start = 0
    for index in range(1, len(text)):
        if not is_attached(text[index]):
            yield start, index
            start = index
    if text:
        yield start, len(text)


def _between_words(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    if "\u3200" <= character <= "\u33ff":  # words and units in a square or circle
        pieces = unicodedata.normalize("NFKD", character).casefold()
        return "".join(map(_piece, pieces)) if len(pieces) <= _LONGEST else " "
    return " "


def _piece(character: str) -> str:
    written = _WRITTEN_AS.get(character)
    if written is not None:
        return written
    category = unicodedata.category(character)
    if category == "Mn":
        return "" if _ACCENTS.match(character) else character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return character if belongs_to_word(character) else " "

"""A language: its texts, and how it writes a moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from shared.protocol.languages import english, french, german, spanish
from shared.protocol.smtp.trace_header import date_time

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_REASON: Final = "reason."
_LONGEST_REASON: Final = 200


class Language(NamedTuple):
    """The texts of a language by their keys, with its names of days (from Monday) and months."""

    texts: Mapping[str, str]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]

    def say(self, key: str, **values: object) -> str:
        """A text with its values. Raises KeyError for a key that no language has, and for a value that is missing."""
        return self.texts[key].format_map(values)

    def moment(self, micros: int, zone: tzinfo) -> str:
        """A moment, given in UTC microseconds, in words, with the offset of the time zone at that moment."""
        at = in_zone(micros, zone)
        _, _, _, _, time, offset = date_time(at).split(" ")
        return self.say(
            "moment",
            weekday=self.weekdays[at.weekday()],
            day=at.day,
            month=self.months[at.month - 1],
            year=at.year,
            time=time,
            offset=offset,
        )

    def reason(self, text: str) -> str:
        """A reason that Mailfold gave in English in this language; the words of others stay as they are."""
        if self is ENGLISH or len(text) > _LONGEST_REASON:
            return text
        numbers = _NUMBER.findall(text)
        key, names = _REASONS.get(_NUMBER.sub("{}", text), ("", ()))
        if not key or len(numbers) != len(names):
            return text
        return self.say(key, **dict(zip(names, numbers, strict=True)))


ENGLISH: Final = Language(english.TEXTS, english.WEEKDAYS, english.MONTHS)
LANGUAGES: Final[Mapping[str, Language]] = {
    "en": ENGLISH,
    "de": Language(german.TEXTS, german.WEEKDAYS, german.MONTHS),
    "fr": Language(french.TEXTS, french.WEEKDAYS, french.MONTHS),
    "es": Language(spanish.TEXTS, spanish.WEEKDAYS, spanish.MONTHS),
}
"""By the primary subtag of language tags (RFC 5646 §2.2.1)."""
_REASONS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    _PLACEHOLDER.sub("{}", text): (key, tuple(_PLACEHOLDER.findall(text)))
    for key, text in ENGLISH.texts.items()
    if key.startswith(_REASON)
}
"""The keys of the English reasons and the names of their numbers, by the reason with `{}` for every number."""


def language_of(tag: str) -> Language:
    """The language for a tag such as `de-AT`; English for others, and when there is no tag (RFC 4647 §3.4)."""
    return LANGUAGES.get(tag.partition("-")[0].lower(), ENGLISH)


def in_zone(micros: int, zone: tzinfo) -> datetime:
    """The date and time in a zone, without the fraction of the second, for UTC microseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=micros // 1_000_000)).astimezone(zone)

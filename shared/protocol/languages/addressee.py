"""The user to whom a notification is written: the address, the display name, the language and the time zone."""

from __future__ import annotations

from datetime import UTC, tzinfo
from email.header import Header
from typing import Final, NamedTuple

from shared.protocol.dsn.text import plain
from shared.protocol.languages.language import ENGLISH, Language, in_zone
from shared.protocol.mailing_list.identity import phrase
from shared.protocol.smtp.trace_header import date_time

_NAME_LIMIT: Final = 200


class Addressee(NamedTuple):
    """Who reads a notification. What is not known of a user of another server has its default."""

    address: str
    name: str = ""
    """The display name."""
    language: Language = ENGLISH
    zone: tzinfo = UTC

    def say(self, key: str, **values: object) -> str:
        """A text in the language of the addressee."""
        return self.language.say(key, **values)

    def moment(self, micros: int) -> str:
        """A moment, given in UTC microseconds, for the addressee."""
        return self.language.moment(micros, self.zone)

    def date(self, micros: int) -> str:
        """The value of a Date field (RFC 5322 §3.3) with the offset of the addressee's zone."""
        return date_time(in_zone(micros, self.zone))

    @property
    def shown_name(self) -> str:
        """The display name on one line; it has no control characters and no bidirectional controls."""
        return plain(self.name[:_NAME_LIMIT])

    @property
    def mailbox(self) -> str:
        """The value of a To field: the address, after the display name as a phrase (RFC 5322 §3.4, RFC 2047)."""
        address = f"<{plain(self.address)}>"
        return f"{_phrase(self.shown_name)} {address}" if self.shown_name else address

    def greeting(self) -> tuple[str, ...]:
        """The paragraph that greets a user with a display name."""
        return (self.say("greeting", name=self.shown_name),) if self.shown_name else ()


def _phrase(name: str) -> str:
    """A name as a phrase. What looks like an encoded word is encoded once more, so that it is shown as it is."""
    return Header(name, "utf-8", maxlinelen=70).encode(linesep="\r\n") if "=?" in name else phrase(name)

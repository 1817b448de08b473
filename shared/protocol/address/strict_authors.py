"""The authors of a message by the strict grammar: what it accepts, every program reads in the same way.

    address-list = address *("," address)
    address      = mailbox / group
    group        = display-name ":" mailbox-list ";" [CFWS]
    mailbox      = addr-spec / [display-name] "<" addr-spec ">"
    display-name = word *(word / ".")

That is RFC 5322 §3.4 with UTF-8 (RFC 6532) and groups (RFC 6854). Of the obsolete forms only the dot in a display
name is accepted, because people write `John Q. Public`. An addr-spec has no comments and no white space inside.
"""

import re
from typing import Final, NamedTuple

from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.structured import comment_end

MOST_CHARACTERS: Final = 8192
"""Characters of a value. No person's From comes near the limit."""
MOST_MAILBOXES: Final = 100
MOST_WORDS: Final = 1000
"""Words of all display names."""
_SPACE = re.compile(r"[ \t\r\n]++")
_ATOM = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]++")
_QUOTED = re.compile(r'"((?>(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\r\n]|\r?\n(?=[ \t]))*))"')
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_LOCALPART = r"(?:\"(?>(?:[^\"\\\r\n]|\\[^\r\n])*)\"|[^\x00-\x20\x7f()<>\[\]:;@\\,\"]++)"
_DOMAIN = r"(?:\[[^\[\]\\\s]*+\]|[^\x00-\x20\x7f()<>\[\]:;@\\,\"]++)"
_ADDR_SPEC = re.compile(rf"{_LOCALPART}@{_DOMAIN}")
_ANGLE = re.compile(rf"<[ \t\r\n]*+({_LOCALPART}@{_DOMAIN})[ \t\r\n]*+>")


class NotStrict(ValueError):
    """The value is not of the strict grammar."""


class Mailbox(NamedTuple):
    """An author: the address, and all other text that a reader may be shown for it."""

    address: Address
    shown: str
    """The display name without quotes, and the comments. Encoded words are not decoded."""


def strict_mailboxes(value: str) -> list[Mailbox]:
    """The mailboxes of From, Sender and similar fields, those in groups too. Raises NotStrict.

    The time is linear in the value.
    """
    if len(value) > MOST_CHARACTERS:
        raise NotStrict(f"it has more than {MOST_CHARACTERS} characters")
    return _Reader(value).mailboxes()


class _Reader:
    """Reads one value from left to right."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._at = 0
        self._words = 0
        self._comments: list[str] = []

    def mailboxes(self) -> list[Mailbox]:
        read: list[Mailbox] = []
        while True:
            read += self._address()
            if len(read) > MOST_MAILBOXES:
                raise NotStrict(f"it names more than {MOST_MAILBOXES} mailboxes")
            if self._next() != ",":
                break
            self._at += 1
        if self._at < len(self._value):
            raise self._error()
        if not read:
            raise NotStrict("it names nobody")
        return read

    def _address(self) -> list[Mailbox]:
        """A mailbox, or those of a group, with the CFWS after it."""
        begin, phrase = self._phrase()
        if self._next() != ":" or not phrase:
            return [self._mailbox(begin, phrase)]
        self._at += 1
        members: list[Mailbox] = []
        begin, words = self._phrase()
        while True:
            member = self._mailbox(begin, words)
            members.append(member._replace(shown=f"{phrase} {member.shown}"))
            if self._next() == ";":
                break
            if self._next() != "," or len(members) > MOST_MAILBOXES:
                raise self._error()
            self._at += 1
            begin, words = self._phrase()
        self._at += 1
        self._skip()
        return members

    def _phrase(self) -> tuple[int, str]:
        """Where the next item begins, and the phrase with which it begins, if any, with a space for each CFWS."""
        self._comments = []
        self._skip()
        begin, phrase = self._at, list[str]()
        while (word := self._word(is_first=not phrase)) is not None:
            self._words += 1
            if self._words > MOST_WORDS:
                raise NotStrict(f"it has more than {MOST_WORDS} words")
            phrase.append(word)
            end = self._at
            self._skip()
            if self._at > end:
                phrase.append(" ")
        return begin, "".join(phrase).strip()

    def _word(self, *, is_first: bool) -> str | None:
        """An atom, a quoted string without its quotes, or a dot that is not the first."""
        value, at = self._value, self._at
        if (atom := _ATOM.match(value, at)) is not None:
            self._at = atom.end()
            return atom[0]
        if (quoted := _QUOTED.match(value, at)) is not None:
            self._at = quoted.end()
            return _QUOTED_PAIR.sub(r"\1", quoted[1])
        if not is_first and self._next() == ".":
            self._at += 1
            return "."
        return None

    def _mailbox(self, begin: int, phrase: str) -> Mailbox:
        """The mailbox that begins with this phrase, which may be the localpart of an addr-spec."""
        if self._next() == "<":
            match = _ANGLE.match(self._value, self._at)
            address = match[1] if match is not None else ""
        else:
            match, phrase = _ADDR_SPEC.match(self._value, begin), ""
            address = match[0] if match is not None else ""
        if match is None:
            raise self._error()
        self._at = match.end()
        self._skip()
        try:
            return Mailbox(parse_address(address), " ".join(filter(None, (phrase, *self._comments))))
        except AddressError as error:
            raise NotStrict(f"{address[:100]!r}: {error.reason}") from error

    def _skip(self) -> None:
        """Skip white space and comments (CFWS), and keep the comments."""
        while self._at < len(self._value):
            space = _SPACE.match(self._value, self._at)
            if space is not None:
                self._at = space.end()
            elif self._value[self._at] == "(":
                end = comment_end(self._value, self._at)
                if end < 0:
                    raise self._error()
                self._comments.append(self._value[self._at + 1 : end - 1])
                self._at = end
            else:
                return

    def _next(self) -> str:
        return self._value[self._at : self._at + 1]

    def _error(self) -> NotStrict:
        return NotStrict(f"it cannot be read from {self._value[self._at : self._at + 60]!r} on")

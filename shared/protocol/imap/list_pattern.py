"""The wildcards of LIST: `*` matches anything, `%` anything within one level (RFC 3501 §6.3.8)."""

import re
from collections import defaultdict
from string import ascii_lowercase, ascii_uppercase

from shared.protocol.imap.mailbox_name import INBOX, MAX_NAME_BYTES, SEPARATOR

_WILDCARDS = re.compile(r"[*%]{2,}")
_INBOX = re.compile(r"inbox(?=[/*%]|\Z)", re.IGNORECASE | re.ASCII)
_ASCII_CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)


class ListPattern:
    """Reference and pattern of LIST, compiled once and matched against many names."""

    __slots__ = ("_automaton", "_everything", "_matches_inbox", "_plain", "is_recursive")

    def __init__(self, reference: str, pattern: str) -> None:
        # RFC 3501 §6.3.8 lets the server combine the two; here they are concatenated.
        text = _canonical(reference + pattern)
        if len(text) - text.count("*") - text.count("%") > MAX_NAME_BYTES:
            text = ""  # no name is so long, and an automaton for it would cost the square of its size
        self._everything = text == "*"
        self.is_recursive = "*" in text
        """Whether it matches names of any depth."""
        self._plain = text if not any(wildcard in text for wildcard in "*%") else None
        self._automaton = _Automaton(text)
        self._matches_inbox = _Automaton(text.translate(_ASCII_CAPITALS)).accepts(INBOX)

    def matches(self, name: str) -> bool:
        """Whether a canonical mailbox name matches; INBOX matches in any case. Costs at most O(length of the name)."""
        if self._everything:
            return True
        if name == INBOX:
            return self._matches_inbox
        return self._plain == name if self._plain is not None else self._automaton.accepts(name)


class _Automaton:
    """An automaton whose states are the bits of a number: bit n says that the first n characters can match.

    There is no backtracking, so no pattern is slow.
    """

    __slots__ = ("_any", "_end", "_literals", "_wild")

    def __init__(self, text: str) -> None:
        self._end = len(text)
        self._any = sum(1 << index for index, character in enumerate(text) if character == "*")
        self._wild = sum(1 << index for index, character in enumerate(text) if character in "*%")
        self._literals: defaultdict[str, int] = defaultdict(int)
        for index, character in enumerate(text):
            if character not in "*%":
                self._literals[character] |= 1 << index

    def accepts(self, name: str) -> bool:
        wild, literals = self._wild, self._literals
        states = 1 | (1 & wild) << 1
        for character in name:
            stay = states & (self._any if character == SEPARATOR else wild)
            states = (states & literals.get(character, 0)) << 1 | stay
            states |= (states & wild) << 1
            if not states:
                return False
        return bool(states >> self._end & 1)


def _canonical(text: str) -> str:
    """The pattern with a first level INBOX in upper case, and with each run of wildcards as one wildcard.

    One step then passes the run.
    """
    if _INBOX.match(text):
        text = INBOX + text[len(INBOX) :]
    return _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)

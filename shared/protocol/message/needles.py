"""Recognises headers that cannot contain any of the searched texts, from their octets and without decoding.

Most messages contain none of the texts that a person searches for.
"""

import re
from collections.abc import Iterable

# No decoded text joins two octets that these separate, except for a quotation mark (see `Needles.may_occur`): white
# space is folded, controls become spaces, and a colon may get a space before or after it.
_RUN = re.compile(r'[^\x00-\x20\x7f":]+')
_ADDRESSES = re.compile(rb"\n(?:from|sender|reply-to|to|cc|bcc)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))")
# Characters that make an address look different from its form in ENVELOPE; hardly any address has them. The set in
# front is what a pattern finds quickly.
_UNUSUAL = re.compile(rb"[(\\:@.<\s](?:(?<=[(\\:])|(?<=\s)[@.>]|(?<=[@.<])\s)")


def is_plain(header: bytes) -> bool:
    """Whether the octets of a header equal its text: ASCII without encoded words."""
    return header.isascii() and b"=?" not in header


def is_unusual(addresses: bytes) -> bool:
    """Whether a field of addresses may show other letters than its octets, apart from quotation marks."""
    return _UNUSUAL.search(addresses) is not None


class Needles:
    """The searched texts, case-folded."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = tuple({_longest_run(text) for text in texts})

    def may_occur(self, header: bytes, *, in_addresses: bool = True) -> bool:
        """Whether a text of this header may contain a searched text.

        `in_addresses`: also in the form in which ENVELOPE shows addresses.
        """
        if not is_plain(header):
            return True
        lines = header.lower().replace(b'"', b"")
        if any(run in lines for run in self._runs):
            return True
        return in_addresses and is_unusual(b",".join(_ADDRESSES.findall(b"\n" + lines)))


def _longest_run(text: str) -> bytes:
    """The longest run of octets that a plain header must contain with this text; empty when there is none."""
    return max(_RUN.findall(text), key=len, default="").encode("utf-8", "surrogatepass")

"""Texts that a search looks for, and which headers cannot hold any of them: said from the octets, before anything is
decoded. Most messages hold nothing of what a person looks for.
"""

import re
from collections.abc import Iterable

# No text of a header joins two octets that these divide, but for a quotation mark (see `Needles.may_occur`): white
# space is folded, controls become spaces, and a colon may have a space put in front of it or behind it.
_RUN = re.compile(r'[^\x00-\x20\x7f":]+')
_ADDRESSES = re.compile(rb"\n(?:from|sender|reply-to|to|cc|bcc)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
# What makes an address look different from how ENVELOPE shows it; nearly no address has it.
# The set in front of all is what a pattern finds quickly.
_UNUSUAL = re.compile(rb"[(\\:@.<\s](?:(?<=[(\\:])|(?<=\s)[@.>]|(?<=[@.<])\s)")


def is_plain(header: bytes) -> bool:
    """Whether the octets of a header are its text: ASCII without encoded words."""
    return header.isascii() and b"=?" not in header


def is_unusual(addresses: bytes) -> bool:
    """Whether a field of addresses may show other letters than its octets, quotation marks aside."""
    return _UNUSUAL.search(addresses) is not None


class Needles:
    """What is looked for, without case (`casefold`)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = tuple({_longest_run(text) for text in texts})

    def may_occur(self, header: bytes, *, in_addresses: bool = True) -> bool:
        """Whether a text of this header may hold one of them. `in_addresses`: also as ENVELOPE shows addresses."""
        if not is_plain(header):
            return True
        lines = header.lower().replace(b'"', b"")
        if any(run in lines for run in self._runs):
            return True
        return in_addresses and is_unusual(b",".join(_ADDRESSES.findall(b"\n" + lines)))


def _longest_run(text: str) -> bytes:
    """The longest run of octets that a plain header with this text holds; empty when it need not hold any."""
    return max(_RUN.findall(text), key=len, default="").encode("utf-8", "surrogatepass")

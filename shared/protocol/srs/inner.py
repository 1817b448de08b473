"""The person behind an envelope sender that a forwarder or a bounce tag has rewritten.

Nothing here is proven. It is for a memory of who was answered, and for the address that people see.
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE | re.DOTALL
_SRS0 = re.compile(r"SRS0[-+=][^=]+=[^=]+=(?P<domain>[^=]+)=(?P<localpart>.+)", _FLAGS)
_SRS1 = re.compile(r"SRS1[-+=][^=]*=[^=]+=[-+=]?=?[^=]+=[^=]+=(?P<domain>[^=]+)=(?P<localpart>.+)", _FLAGS)
_TAGS = re.compile(r"(?:(?:ms)?prvs=[0-9a-z]{6,32}=|btv1==[0-9a-z]+==)(?P<localpart>.+)", _FLAGS)
"""Bounce tags (BATV) as they are written by several products."""
_LAYERS = 5


def inner_sender(address: str) -> str:
    """The address below SRS and bounce tags; the address itself when it has none."""
    for _ in range(_LAYERS):
        localpart, _, domain = address.rpartition("@")
        match = _SRS1.fullmatch(localpart) or _SRS0.fullmatch(localpart) or _TAGS.fullmatch(localpart)
        if match is None:
            return address
        address = f"{match['localpart']}@{match.groupdict().get('domain', domain)}"
    return address

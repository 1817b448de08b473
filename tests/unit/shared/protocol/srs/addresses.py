"""Addresses, secrets and changes for the tests of return addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac

from hypothesis import strategies as st

from shared.protocol.address.address import LOCALPART_LIMIT, Address, make_address, parse_address
from shared.protocol.address.domain import AddressError

OURS = "srs.example.org"
SECRET = b"0123456789abcdef"
OLD_SECRET = b"fedcba9876543210"
DAY = 20_786

_CONTENT = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\x7f\ufeff\u2028\u2029"
)
_LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
DOMAINS = st.builds(".".join, st.lists(_LABEL, min_size=1, max_size=3))
LOCALPARTS = st.one_of(
    st.from_regex(r"[A-Za-z0-9+=.-]{1,16}", fullmatch=True), st.text(_CONTENT, min_size=1, max_size=12)
)


@st.composite
def senders(draw: st.DrawFn) -> Address:
    """Addresses of others, also quoted and UTF-8; some are too long to be rewritten."""
    domain = draw(DOMAINS.filter(lambda name: name != OURS))
    try:
        return make_address(draw(LOCALPARTS), domain)
    except AddressError:
        return Address("plain", domain)


@st.composite
def changes(draw: st.DrawFn, text: str) -> str:
    """The text with a character replaced, removed or added, but not by one that differs only in case."""
    at = draw(st.integers(0, len(text) - 1))
    new = draw(st.one_of(st.sampled_from("aA2=-+.@z"), _CONTENT).filter(lambda c: not same_but_for_case(c, text[at])))
    return draw(
        st.sampled_from([text[:at] + new + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + new + text[at:]])
    )


def expected_hash(purpose: str, *parts: str) -> str:
    """The hash of lower-case parts under SECRET on DAY, computed by hand."""
    digest = hmac.new(SECRET, b"\x00".join(part.encode() for part in (purpose, "20786", *parts)), hashlib.sha256)
    return base64.b32encode(digest.digest())[:8].decode()


def same_but_for_case(first: str, second: str) -> bool:
    return first.lower() == second.lower() or {first.lower(), second.lower()} == {"σ", "ς"}


def as_sent(address: Address) -> Address:
    """The address after it was written into a command and read again."""
    assert len(address.localpart.encode()) <= LOCALPART_LIMIT
    return parse_address(str(address))

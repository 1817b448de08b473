"""The address value, and the grammar of Mailbox in an envelope (RFC 5321 §4.1.2, RFC 6531 §3.3).

RFC 5321 §4.5.3.1 requires 64 octets of localpart at least and prefers no limit. Account names of 200 characters, SRS
and VERP need more than 64, so the limit here is LOCALPART_LIMIT octets.
"""

import re
from typing import Final

import msgspec

from shared.protocol.address.domain import LABEL, AddressError, has_numeric_top_label, parse_domain, to_unicode

LOCALPART_LIMIT: Final = 320  # octets of UTF-8: a 200 character account name, a separator and a long tag
_TEXT_LIMIT: Final = 1024  # characters, checked before any work: twice the localpart (all quoted pairs) and the domain

_ASCII_ATEXT = r"\-A-Za-z0-9!#$%&'*+/=?^_`{|}~"
# UTF8-non-ascii of RFC 6531, without C1 controls, line and paragraph separators, the byte order mark and surrogates,
# which no address needs.
_NON_ASCII = "\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\U0010ffff"
# Dot-string = Atom *("."  Atom)
_DOT_STRING = rf"[{_ASCII_ATEXT}{_NON_ASCII}]++(?>(?:\.[{_ASCII_ATEXT}{_NON_ASCII}]++)*)"
# Quoted-string = DQUOTE *QcontentSMTP DQUOTE;  qtextSMTP = %d32-33 / %d35-91 / %d93-126;  quoted-pairSMTP = %d92
# %d32-126
_QUOTED_CONTENT = rf"(?>(?:[ !#-\[\]-~{_NON_ASCII}]|\\[ -~])*)"

_COMMON = re.compile(rf"([{_ASCII_ATEXT}]++(?>(?:\.[{_ASCII_ATEXT}]++)*))@({LABEL}(?>(?:\.{LABEL})*))")
_MAILBOX = re.compile(rf'(?:({_DOT_STRING})|"({_QUOTED_CONTENT})")@(.+)', re.DOTALL)
_BARE_LOCALPART = re.compile(_DOT_STRING)
_LOCALPART_CONTENT = re.compile(rf"[ -~{_NON_ASCII}]++")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TO_QUOTE = re.compile(r'(["\\])')
_COMMON_LIMIT = 64  # shorter than every limit above, so the common case needs no further checks


class Address(msgspec.Struct, frozen=True, gc=False):
    """A mailbox address.

    ``localpart`` has no quotes or escapes; ``domain`` is canonical (see parse_domain). ``str()`` returns a valid
    addr-spec, quoted where needed. Use parse_address or make_address to create one; the constructor does not check.
    """

    localpart: str
    domain: str

    def __str__(self) -> str:
        return f"{quote_localpart(self.localpart)}@{self.domain}"

    @property
    def unicode(self) -> str:
        """The form to show to people, with the domain in U-labels."""
        return f"{quote_localpart(self.localpart)}@{to_unicode(self.domain)}"

    @property
    def is_ascii(self) -> bool:
        """Whether the address can be sent without SMTPUTF8; the domain always can."""
        return self.localpart.isascii()


def parse_address(text: str) -> Address:
    """The address of an addr-spec. Raises AddressError.

    It is Mailbox of RFC 5321 with UTF-8, without comments and folding white space.
    """
    match = _COMMON.fullmatch(text) if len(text) <= _COMMON_LIMIT else None
    if match is None:
        return _parse_any(text)
    localpart, domain = match.groups()
    if has_numeric_top_label(domain):
        raise AddressError("the top-level domain is a number")
    return Address(localpart, domain.lower())


def make_address(localpart: str, domain: str) -> Address:
    """An address from an unquoted localpart and a domain in any form. Raises AddressError."""
    if not localpart:
        raise AddressError("there is no localpart")
    if len(localpart) > LOCALPART_LIMIT or _LOCALPART_CONTENT.fullmatch(localpart) is None:
        raise AddressError("the localpart is too long or has control characters")
    return _checked_address(localpart, domain)


def quote_localpart(localpart: str) -> str:
    """Local-part = Dot-string / Quoted-string, quoted only when necessary (RFC 5321 §4.1.2)."""
    if _BARE_LOCALPART.fullmatch(localpart) is not None:
        return localpart
    return '"' + _TO_QUOTE.sub(r"\\\1", localpart) + '"'


def _parse_any(text: str) -> Address:
    match = _MAILBOX.fullmatch(text) if len(text) <= _TEXT_LIMIT else None
    if match is None:
        raise AddressError(_what_is_wrong(text))
    bare, quoted, domain = match.groups()
    return _checked_address(bare if bare is not None else _QUOTED_PAIR.sub(r"\1", quoted), domain)


def _checked_address(localpart: str, domain: str) -> Address:
    if len(localpart.encode()) > LOCALPART_LIMIT:
        raise AddressError("the localpart is too long")
    return Address(localpart, parse_domain(domain))


def _what_is_wrong(text: str) -> str:
    if len(text) > _TEXT_LIMIT:
        return "the address is too long"
    localpart, at, domain = text.rpartition("@")
    if not at or not domain:
        return "there is no domain"
    return "the localpart is not valid" if localpart else "there is no localpart"

"""Domains and address literals (RFC 5321 §4.1.2, §4.1.3), and internationalised domains (RFC 5890, UTS #46).

A domain is kept in lower-case A-labels, an address literal in the canonical form of its IP address.
"""

import ipaddress
import re
from typing import Final

import idna

DOMAIN_LIMIT: Final = 253  # RFC 1035 §2.3.4: 255 octets on the wire are 253 in text

# sub-domain = Let-dig [Ldh-str] (RFC 5321 §4.1.2). The underscore is not in the grammar, but the DNS allows it (RFC
# 2181 §11) and real senders have it in their host names.
LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{LABEL}(?>(?:\.{LABEL})*)")
_IPV6_TAG = "ipv6:"


class AddressError(ValueError):
    """A text is not an address, not a domain, or not an account name. ``reason`` may be shown to anybody."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_domain(text: str) -> str:
    """The canonical form of a domain or an address literal. Raises AddressError."""
    if text.startswith("["):
        return _address_literal(text)
    domain = text if text.isascii() else _to_a_labels(text)
    if len(domain) > DOMAIN_LIMIT:
        raise AddressError("the domain is too long")
    if _DOMAIN.fullmatch(domain) is None:
        raise AddressError("the domain is not valid")
    if has_numeric_top_label(domain):
        raise AddressError("the top-level domain is a number")
    return domain.lower()


def has_numeric_top_label(domain: str) -> bool:
    """Whether the last label is all digits.

    Such a domain does not exist (RFC 3696 §2), and 192.0.2.1 without brackets would be taken for an address.
    """
    return domain[-1].isdigit() and domain.rpartition(".")[2].isdigit()


def is_address_literal(domain: str) -> bool:
    """Whether a canonical domain is an address literal such as ``[192.0.2.1]``."""
    return domain.startswith("[")


def to_unicode(domain: str) -> str:
    """A canonical domain in U-labels, to show to people. A label that is no valid A-label is left unchanged."""
    if "xn--" not in domain or is_address_literal(domain):
        return domain
    return ".".join(_label_to_unicode(label) for label in domain.split("."))


def _label_to_unicode(label: str) -> str:
    try:
        return idna.ulabel(label) if label.startswith("xn--") else label
    except (idna.IDNAError, UnicodeError):
        return label


def _to_a_labels(text: str) -> str:
    """U-labels to A-labels by UTS #46, not transitional (RFC 5891 §5, RFC 6531 §3.3)."""
    if len(text) > DOMAIN_LIMIT:  # before the conversion, because its cost grows with its input
        raise AddressError("the domain is too long")
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError("the internationalised domain is not valid") from error


def _address_literal(text: str) -> str:
    """An IPv4 or IPv6 literal in brackets. No tag for other literals was ever registered."""
    if not text.endswith("]"):
        raise AddressError("the address literal is not closed")
    inner = text[1:-1]
    try:
        if inner[:5].lower() == _IPV6_TAG:
            return f"[IPv6:{_ipv6(inner[5:])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError as error:
        raise AddressError("the address literal is not valid") from error


def _ipv6(text: str) -> ipaddress.IPv6Address:
    if "%" in text:  # a zone index has no meaning outside its host
        raise ValueError(text)
    return ipaddress.IPv6Address(text)

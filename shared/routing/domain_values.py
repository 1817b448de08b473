"""The values that a domain may have, what they mean, and how their texts are read.

For an alias of another domain the values of that domain count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from shared.expiry import INHERITED, days_of, text_of
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError

QUOTA_LIMIT = 1 << 60
"""Largest quota in octets: far above any disk, and within what every database can count."""
MESSAGES_LIMIT = 1_000_000_000
"""Largest quota in messages."""
_MOST_CATCHING = 100
LEAST_MESSAGE = 65_536
_SIZE = re.compile(r"(\d{1,19})\s*([kmgtp]?)i?b?", re.I | re.A)
_SEPARATORS = re.compile(r"[+=_~#-]{1,4}")
_SWITCH = {"on": "on", "off": ""}


class DomainRules(msgspec.Struct, frozen=True):
    """The values of a domain that decide about addresses."""

    catch_all: tuple[str, ...] = ()
    """The addresses that get mail to names that do not exist; none: such mail is refused."""
    separators: str = "+"
    """Each of these characters begins the tag of a sub-address; empty: there are no sub-addresses."""
    masquerading: bool = False
    """Whether users with an account in the domain may send as any of its addresses."""
    signature: str = ""
    """The id of the mail signature of the domain; empty: it has none."""
    max_message_size: int = 0
    """Octets of the largest message to or from its accounts; 0: only the limit of the server counts."""


class DomainValue(msgspec.Struct, frozen=True):
    """A value that an operator may give to a domain."""

    name: str
    meaning: str
    default: str
    canonical: Callable[[str], str]
    """The text to store; empty for the default. Raises ValueError with a sentence for the operator."""


def rules_of(values: Mapping[str, str]) -> DomainRules:
    """The rules from the stored texts."""
    separators = values.get("separators", "")
    return DomainRules(
        tuple(values.get("catch_all", "").split()),
        "" if separators == "none" else separators or DomainRules().separators,
        values.get("masquerading") == "on",
        values.get("signature", ""),
        int(values.get("max_message_size", "") or 0),
    )


def canonical_value(name: str, text: str) -> str:
    """The text to store for a value. Raises ValueError with a sentence for the operator."""
    value = DOMAIN_VALUES.get(name)
    if value is None:
        raise ValueError(f"a domain has no value {name}; there are {', '.join(DOMAIN_VALUES)}")
    return value.canonical(text.strip())


def _catch_all(text: str) -> str:
    by_key: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        try:
            address = parse_address(word)
        except AddressError as error:
            raise ValueError(f"{word!r} is not an address: {error.reason}") from error
        by_key[lookup_key(address)] = str(address)
    if len(by_key) > _MOST_CATCHING:
        raise ValueError(f"a catch-all has at most {_MOST_CATCHING} addresses")
    return " ".join(by_key.values())


def _separators(text: str) -> str:
    if text in ("", "none"):
        return text
    if _SEPARATORS.fullmatch(text) is None:
        raise ValueError("separators are up to four of the characters + - = _ ~ #, or `none`")
    characters = "".join(dict.fromkeys(text))
    return "" if characters == DomainRules().separators else characters


def octets_of(text: str) -> int:
    """The octets of a size such as 500M or 2G. Raises ValueError with a sentence for the operator."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write 500M, 2G or 0")
    factor: int = 1024 ** " kmgtp".index(match[2].lower() or " ")
    octets = int(match[1]) * factor
    if octets > QUOTA_LIMIT:
        raise ValueError(f"{text} is too large; the largest quota is 1024P, and 0 means no limit")
    return octets


def _default_quota(text: str) -> str:
    octets = octets_of(text) if text else 0
    return str(octets) if octets else ""


def messages_of(text: str) -> int:
    """A number of messages such as 100000. Raises ValueError with a sentence for the operator."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10 or int(digits) > MESSAGES_LIMIT:
        raise ValueError(f"{text!r} is not a number of messages up to {MESSAGES_LIMIT}; 0 means no limit")
    return int(digits)


def _default_quota_messages(text: str) -> str:
    messages = messages_of(text) if text else 0
    return str(messages) if messages else ""


def _max_message_size(text: str) -> str:
    octets = octets_of(text) if text else 0
    if octets and octets < LEAST_MESSAGE:
        raise ValueError(f"a message may have {LEAST_MESSAGE} octets at least (RFC 5321 §4.5.3.1.7)")
    return str(octets) if octets else ""


def _switched(name: str, text: str) -> str:
    if text and text not in _SWITCH:
        raise ValueError(f"{name} is `on` or `off`")
    return _SWITCH.get(text, "")


def tri_state(name: str, text: str) -> str:
    """`on`, `off`, or an empty text for `default`. Raises ValueError with a sentence for the operator."""
    if text not in ("", "on", "off", "default"):
        raise ValueError(f"{name} is `on`, `off` or `default`")
    return "" if text == "default" else text


def _signature(text: str) -> str:
    if text not in ("", "off"):
        raise ValueError("give the mail signature with `mailfold domain signature`; here it can only be `off`")
    return ""


def _expiry(text: str) -> str:
    days = days_of(text or "default")
    return "" if days == INHERITED else text_of(days)


EXPIRY_VALUES: Mapping[str, str] = {"expire_trash": "trash", "expire_spam": "spam"}
"""The values that say after how many days mailboxes forget messages, and which mailboxes these are."""
DOMAIN_VALUES: Mapping[str, DomainValue] = {
    value.name: value
    for value in (
        DomainValue(
            "catch_all",
            "Addresses here that get mail to names that do not exist in the domain; none: such mail is refused.",
            "",
            _catch_all,
        ),
        DomainValue(
            "separators",
            "Characters that begin the tag of a sub-address (name+tag@domain); `none`: no sub-addresses.",
            DomainRules().separators,
            _separators,
        ),
        DomainValue(
            "default_quota",
            "The quota of new accounts, such as 5G; 0: no limit. Accounts that exist keep theirs.",
            "0",
            _default_quota,
        ),
        DomainValue(
            "default_quota_messages",
            "The number of messages that new accounts may have; 0: no limit. Accounts that exist keep theirs.",
            "0",
            _default_quota_messages,
        ),
        DomainValue(
            "expire_trash",
            "Days after which Trash forgets messages, or `never`. Those that are there get these days from now on.",
            "default",
            _expiry,
        ),
        DomainValue(
            "expire_spam",
            "Days after which Spam forgets messages, or `never`. Those that are there get these days from now on.",
            "default",
            _expiry,
        ),
        DomainValue(
            "all_mail",
            "on, off: accounts are to have an All Mail mailbox. This release keeps the value and has no such mailbox.",
            "default",
            partial(tri_state, "all_mail"),
        ),
        DomainValue(
            "pop3",
            "on, off: accounts may be read with POP3, or not, where they do not say otherwise themselves.",
            "default",
            partial(tri_state, "pop3"),
        ),
        DomainValue(
            "masquerading",
            "on: users with an account in the domain may send as any address of the domain.",
            "off",
            partial(_switched, "masquerading"),
        ),
        DomainValue(
            "max_message_size",
            "The largest message to or from an account of the domain, such as 20M; 0: only the limit of the server.",
            "0",
            _max_message_size,
        ),
        DomainValue(
            "signature",
            "The id of the mail signature, which `mailfold domain signature` gives; `off`: mail has none.",
            "",
            _signature,
        ),
        DomainValue(
            "signature_automatic",
            "on: mail that programs write (Auto-Submitted) gets the mail signature too.",
            "off",
            partial(_switched, "signature_automatic"),
        ),
    )
}

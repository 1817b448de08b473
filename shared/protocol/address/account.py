"""What Mailfold makes of a localpart: account names, sub-addresses, and the lookup key of an address."""

import re
import unicodedata
from typing import Final

from shared.protocol.address.address import Address
from shared.protocol.address.domain import AddressError

ACCOUNT_NAME_LIMIT: Final = 200  # characters
APPLICATION_SUFFIX: Final = ".app"
_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9_-]++(?>(?:\.[A-Za-z0-9_-]++)*)")


def account_name(localpart: str) -> str:
    """The canonical (lower-case) name of an account. Raises AddressError.

    It has letters, digits, ``.``, ``-`` and ``_``, and at most 200 characters.
    """
    if len(localpart) > ACCOUNT_NAME_LIMIT:
        raise AddressError("a mailbox name has at most 200 characters")
    if _ACCOUNT_NAME.fullmatch(localpart) is None:
        raise AddressError("a mailbox name has letters, digits, '-', '_' and single '.' between them")
    return localpart.lower()


def is_application_name(name: str) -> bool:
    """Whether an account name is reserved for applications (it ends in ``.app``)."""
    return name.lower().endswith(APPLICATION_SUFFIX)


def without_subaddress(address: Address, separator: str = "+") -> tuple[Address, str | None]:
    """``name+tag@domain`` as (``name@domain``, ``tag``); without a separator the tag is None (RFC 5233)."""
    name, separated, tag = address.localpart.partition(separator)
    if not separated or not name:
        return address, None
    return Address(name, address.domain), tag


def lookup_key(address: Address) -> str:
    """The lookup key: two addresses with equal keys are the same to Mailfold.

    It is case-folded and in one normalisation form (Unicode §3.13, D145).
    """
    localpart = address.localpart
    if localpart.isascii():
        return f"{localpart.lower()}@{address.domain}"
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", localpart).casefold())
    return f"{folded}@{address.domain}"

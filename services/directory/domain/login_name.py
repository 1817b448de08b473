"""What a login name says: which account is to be opened, and which user opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError

ACTOR_MARK = "*"
"""Separates the account's address from the name of the user; no account has it in its address."""
LABEL_MARK = "#"
"""Separates a login name from the name of an app password; no domain has it."""

Canonical = Callable[[Address], Address]


class LoginName(NamedTuple):
    """The account and the user of a log-in."""

    account: str
    """The lookup key of the account's address; empty for other text, which opens nothing."""
    actor: str = ""
    """The user as the client named it: by name, or by the address of an account of the user. Empty: not named."""
    label: str = ""
    """The name or id of the only app password that may open it; empty: any password may."""


def read_login(login: str, authorization: str, canonical: Canonical) -> LoginName:
    """The login name of a client.

    With an authorization identity (RFC 4422 §3.4.1) that is the account, and `login` is the user. Without one the name
    is an address, or `address*user`. Behind a name that has an address, `#` begins the name of an app password.
    """
    name, label = _without_label(login)
    if authorization and authorization not in (login, name):
        return LoginName(login_key(authorization, canonical) or "", name, label)
    address, mark, actor = name.partition(ACTOR_MARK)
    if mark and not actor:
        return LoginName("")
    return LoginName(login_key(address, canonical) or "", actor, label)


def _without_label(login: str) -> tuple[str, str]:
    start = login.find(LABEL_MARK, login.find("@") + 1) if "@" in login else -1
    return (login, "") if start < 0 else (login[:start], login[start + 1 :])


def login_key(login: str, canonical: Canonical) -> str | None:
    """The lookup key of a login name, which must be a full address; None for other text."""
    try:
        return lookup_key(canonical(parse_address(login)))
    except AddressError:
        return None

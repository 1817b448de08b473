"""What a login name says: which account is to be opened, and which user opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError

ACTOR_MARK = "*"
"""Separates the account's address from the name of the user; no account has it in its address."""

Canonical = Callable[[Address], Address]


class LoginName(NamedTuple):
    """The account and the user of a log-in."""

    account: str
    """The lookup key of the account's address; empty for other text, which opens nothing."""
    actor: str = ""
    """The user as the client named it: by name, or by the address of an account of the user. Empty: not named."""


def read_login(login: str, authorization: str, canonical: Canonical) -> LoginName:
    """The login name of a client.

    With an authorization identity (RFC 4422 §3.4.1) that is the account, and `login` is the user. Without one the name
    is an address, or `address*user`.
    """
    if authorization and authorization != login:
        return LoginName(login_key(authorization, canonical) or "", login)
    address, mark, actor = login.partition(ACTOR_MARK)
    if mark and not actor:
        return LoginName("")
    return LoginName(login_key(address, canonical) or "", actor)


def login_key(login: str, canonical: Canonical) -> str | None:
    """The lookup key of a login name, which must be a full address; None for other text."""
    try:
        return lookup_key(canonical(parse_address(login)))
    except AddressError:
        return None

"""Accounts for the addresses that people and groups have in a directory elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain import decide, names
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address


def lacks_account(reader: Reader, owner: str, texts: Sequence[str]) -> bool:
    """Whether an owner lacks the account of one of the addresses, or one of them cannot be that of an account."""
    try:
        return any(_is_lacking(reader, owner, names.account_address(text)) for text in texts)
    except DirectoryRefused:
        return True


def add_accounts(
    tx: Transaction, ids: Ids, owner: str, texts: Sequence[str], provenance: Provenance
) -> list[DirectoryRefused]:
    """Add an account for each address in a domain here that is free; returns why others have none."""
    refusals = []
    for text in texts:
        try:
            address = names.account_address(text)
            if _is_lacking(tx, owner, address):
                account, limits = ids.new(IdKind.ACCOUNT), load.default_limits(tx, address.domain)
                events = decide.add_account(load.holder_of(tx, address), True, owner, account, address, limits)
                append(tx, f"account:{account}", events, provenance)
        except DirectoryRefused as refused:
            refusals.append(refused)
    return refusals


def _is_lacking(reader: Reader, owner: str, address: Address) -> bool:
    """Whether the address is in a domain here, and not that of an account of the owner."""
    if not load.has_domain(reader, address.domain):
        return False
    row = reader.first_row("SELECT person FROM account WHERE key = ?", (lookup_key(address),))
    return row is None or row[0] != owner

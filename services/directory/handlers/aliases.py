"""Commands on aliases: each method is the body of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain import aliases, names
from services.directory.domain.aliases import AliasContext, AliasRequest
from services.directory.domain.state import AliasState, DirectoryRefused
from services.directory.handlers import load, load_groups
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import append, user_id
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook
from shared.routing.known_groups import group_of
from shared.routing.known_names import KnownAlias
from shared.routing.loops import leads_back


class AliasTexts(msgspec.Struct, frozen=True):
    """A request in an operator's words; None leaves a value as it is."""

    targets: Sequence[str] | None = None
    """Addresses, and groups as `group:NAME`."""
    owners: Sequence[str] | None = None
    """Names or ids of users."""
    ends_at: int | None = None
    disabled: bool | None = None


class AliasCommands:
    """The commands."""

    def __init__(self, current: CurrentBook, clock: Clock) -> None:
        self._current = current
        self._clock = clock

    def add(self, tx: Transaction, text: str, texts: AliasTexts, provenance: Provenance) -> AliasState:
        """Add an alias."""
        address = names.alias_address(text)
        request = alias_request(tx, msgspec.structs.replace(texts, targets=texts.targets or ()))
        if not tx.answered(provenance.command):
            ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
            patterns = load.pattern_count(tx, address.domain)
            events = aliases.add_alias(holder, ours, patterns, address, request, self.context(tx))
            append(tx, f"alias:{lookup_key(address)}", events, provenance)
        return _alias(tx, str(address))

    def change(self, tx: Transaction, address: str, texts: AliasTexts, provenance: Provenance) -> AliasState:
        """Change an alias; no event is written when nothing changes."""
        alias = _alias(tx, address)
        events = aliases.change_alias(alias, alias_request(tx, texts), self.context(tx))
        append(tx, f"alias:{names.key_of(alias.address)}", events, provenance)
        return _alias(tx, address)

    def end(self, tx: Transaction, keys: Sequence[str], provenance: Provenance) -> None:
        """End those temporary aliases whose time is over."""
        now = self._clock.now()
        for key in keys:
            append(tx, f"alias:{key}", aliases.end_alias(load.alias_as_stored(tx, key), now), provenance)

    def remove(self, tx: Transaction, address: str, provenance: Provenance) -> str:
        """Remove an alias; returns its address."""
        if not tx.answered(provenance.command):
            alias = _alias(tx, address)
            append(tx, f"alias:{names.key_of(alias.address)}", aliases.remove_alias(alias), provenance)
            return alias.address
        return address

    def context(self, tx: Transaction) -> AliasContext:
        """What decisions on aliases need to know in this unit of work."""
        return AliasContext(self._clock.now(), lambda target: self._is_known(tx, target), self._leads_back)

    def _is_known(self, tx: Transaction, target: Address) -> bool:
        """Whether an alias may have this target.

        It may be an address of another server, or one that exists here, with or without a tag. The rows have what was
        added a moment ago, and the address book knows what wildcards, catch-alls and aliases of domains take.
        """
        if not load.has_domain(tx, target.domain):
            return True
        if load.holder_of(tx, target) or load.holder_of(tx, without_subaddress(target)[0]):
            return True
        local = self._current.book.locate(target)
        return local is not None and local.holder is not None

    def _leads_back(self, alias: KnownAlias) -> bool:
        return leads_back(AddressBook(self._current.book.names.with_alias(alias)), alias)


def alias_request(tx: Transaction, texts: AliasTexts) -> AliasRequest:
    """The request with parsed addresses and ids. Raises DirectoryRefused."""
    targets = None if texts.targets is None else tuple(text.strip() for text in texts.targets)
    groups = tuple(target for target in targets or () if group_of(target))
    addresses = tuple(target for target in targets or () if not group_of(target))
    if len(groups) > names.GROUP_TARGET_LIMIT:
        raise DirectoryRefused("invalid", f"an alias has at most {names.GROUP_TARGET_LIMIT} groups among its targets")
    return AliasRequest(
        None if targets is None else _addresses(addresses, may_be_none=bool(groups)),
        None if texts.owners is None else tuple(sorted({user_id(tx, name) for name in texts.owners})),
        texts.ends_at,
        texts.disabled,
        tuple(sorted({load_groups.group_id(tx, group_of(group)) for group in groups})),
    )


def _addresses(texts: tuple[str, ...], *, may_be_none: bool) -> tuple[Address, ...]:
    return () if may_be_none and not texts else names.alias_targets(texts)


def _alias(tx: Transaction, address: str) -> AliasState:
    return with_groups(tx, load.existing("alias", address, load.alias(tx, address)))


def with_groups(reader: Reader, alias: AliasState) -> AliasState:
    """An alias whose targets are shown with the names of groups."""
    if not any(map(group_of, alias.targets)):
        return alias
    return msgspec.structs.replace(alias, shown_targets=load_groups.with_group_names(reader, alias.targets))

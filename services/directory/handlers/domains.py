"""Commands on domains: each method is the body of a unit of work."""

from __future__ import annotations

from services.directory.domain import dkim, domains, names
from services.directory.domain.dkim import NewDomain
from services.directory.domain.state import DirectoryRefused, DomainState
from services.directory.handlers import list_rows, load
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import append
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.domain_values import rules_of
from shared.routing.loops import leads_back


class DomainCommands:
    """The commands."""

    def __init__(self, current: CurrentBook) -> None:
        self._current = current

    def add(self, tx: Transaction, name: str, incoming: bool, new: NewDomain, provenance: Provenance) -> DomainState:
        """Add a domain with its DKIM keys."""
        name = names.domain_name(name)
        if not tx.answered(provenance.command):
            events = domains.add_domain(load.domain(tx, name), new.id, name, incoming)
            append(tx, f"domain:{new.id}", events + dkim.add_keys((), new.keys, new.id), provenance)
        return _domain(tx, name)

    def change(
        self, tx: Transaction, name: str, incoming: bool | None, disabled: bool | None, provenance: Provenance
    ) -> DomainState:
        """Change a domain; no event is written when nothing changes."""
        domain = _domain(tx, name)
        append(tx, f"domain:{domain.id}", domains.change_domain(domain, incoming, disabled), provenance)
        return _domain(tx, name)

    def make_alias(self, tx: Transaction, name: str, other: str, provenance: Provenance) -> DomainState:
        """Make all addresses of a domain those of another one; an empty name ends that."""
        domain = _domain(tx, name)
        if other:
            list_rows.check_no_lists(tx, domain.name)
        events = domains.alias_domain(domain, _domain(tx, other) if other else None)
        append(tx, f"domain:{domain.id}", events, provenance)
        return _domain(tx, name)

    def set_value(self, tx: Transaction, name: str, value_name: str, value: str, provenance: Provenance) -> DomainState:
        """Give a value to a domain."""
        domain = _domain(tx, name)
        events = domains.set_value(domain, value_name, value)
        for event in events:
            if event.name == "catch_all":
                self._check_catch_all(domain, rules_of({event.name: event.value}).catch_all)
        append(tx, f"domain:{domain.id}", events, provenance)
        return _domain(tx, name)

    def remove(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a domain; returns its name."""
        if not tx.answered(provenance.command):
            domain = _domain(tx, name)
            list_rows.check_no_lists(tx, domain.name)
            append(tx, f"domain:{domain.id}", domains.remove_domain(domain), provenance)
            return domain.name
        return name

    def _check_catch_all(self, domain: DomainState, targets: tuple[str, ...]) -> None:
        """Check that each address exists here, and that the mail does not come back to the catch-all."""
        known = self._current.book.names
        if domain.name not in known.domains:  # added by the same group of commands
            return
        tried = AddressBook(known.with_catch_all(known.domains[domain.name], targets))
        for target in targets:
            local = self._current.book.locate(parse_address(target))
            if local is None or local.holder is None:
                raise DirectoryRefused("missing", f"there is no {target} here: a catch-all needs addresses that exist")
        catch_all = tried.names.domains[domain.name].catch_all
        if catch_all is not None and leads_back(tried, catch_all):
            raise DirectoryRefused("invalid", f"the catch-all of {domain.name} would lead back to itself")


def _domain(tx: Transaction, name: str) -> DomainState:
    return load.existing("domain", name, load.domain(tx, name))

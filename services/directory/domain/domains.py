"""Decisions on domains: from a command and the present state to events, or to a refusal that says what to do."""

from __future__ import annotations

from services.directory.domain.state import DirectoryRefused, DomainState
from shared.events.directory import DomainAdded, DomainAliased, DomainChanged, DomainRemoved, DomainValueChanged
from shared.eventstore.event import Event
from shared.routing.domain_values import canonical_value


def add_domain(existing: DomainState | None, domain: str, name: str, incoming: bool) -> list[Event]:
    """Add a domain; it receives mail only with `incoming`."""
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the domain {existing.name} is there already: `mailfold domain show {existing.name}`"
        )
    return [DomainAdded(domain, name, incoming)]


def change_domain(domain: DomainState, incoming: bool | None, disabled: bool | None) -> list[Event]:
    """Switch incoming mail of a domain, or disable or enable it; no event when nothing changes."""
    desired = (domain.incoming if incoming is None else incoming, domain.disabled if disabled is None else disabled)
    return [] if desired == (domain.incoming, domain.disabled) else [DomainChanged(domain.id, *desired)]


def alias_domain(domain: DomainState, other: DomainState | None) -> list[Event]:
    """Make all addresses of a domain those of another one; None ends that."""
    if other is None:
        return [DomainAliased(domain.id, "")] if domain.alias_of else []
    if domain.alias_of == other.id:
        return []
    if other.id == domain.id or other.alias_of:
        raise DirectoryRefused("invalid", f"{other.name} is an alias itself: name the domain that has the addresses")
    if domain.accounts or domain.aliases or domain.applications:
        raise DirectoryRefused(
            "not-empty",
            f"{domain.name} still has {_contents(domain)}: an alias has no addresses of its own",
        )
    if domain.domain_aliases:
        raise DirectoryRefused("not-empty", f"{domain.name} has aliases itself: {', '.join(domain.domain_aliases[:5])}")
    return [DomainAliased(domain.id, other.id)]


def set_value(domain: DomainState, name: str, text: str) -> list[DomainValueChanged]:
    """Give a value to a domain; no event when nothing changes."""
    if domain.alias_of:
        raise DirectoryRefused(
            "invalid", f"{domain.name} is an alias of another domain, whose values count: set them there"
        )
    try:
        value = canonical_value(name, text)
    except ValueError as error:
        raise DirectoryRefused("invalid", str(error)) from error
    previous = domain.values.get(name, "")
    return [] if value == previous else [DomainValueChanged(domain.id, name, value, previous)]


def remove_domain(domain: DomainState) -> list[Event]:
    """Remove a domain; only when it has no accounts, aliases and applications, and no other domain is its alias."""
    if domain.accounts or domain.aliases or domain.applications:
        raise DirectoryRefused(
            "not-empty",
            f"{domain.name} still has {_contents(domain)}: remove them first (`mailfold account list`, "
            f"`mailfold alias list`, `mailfold application list`), or disable it",
        )
    if domain.domain_aliases:
        raise DirectoryRefused(
            "not-empty",
            f"{', '.join(domain.domain_aliases[:5])} is an alias of {domain.name}: end that first "
            f"(`mailfold domain alias {domain.domain_aliases[0]} --off`)",
        )
    return [DomainRemoved(domain.id, domain.name)]


def _contents(domain: DomainState) -> str:
    applications = f" and {domain.applications} application(s)" if domain.applications else ""
    return f"{domain.accounts} account(s) and {domain.aliases} alias(es){applications}"

"""Which domains see each other's accounts, from the directory's events.

Two domains see each other only when the rules of both say so, so no rule of a domain opens another one.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.events.directory import DomainRemoved
from shared.events.sharing import SharingRuleChanged, SharingSwitched
from shared.eventstore.event import Event


class Visible(StrEnum):
    """Whom the accounts of a domain see. The values are stored in events."""

    NOBODY = "nobody"
    DOMAIN = "domain"
    """The accounts of the own domain."""
    DOMAINS = "domains"
    """Those of the own domain and of named ones."""
    ALL = "all"


class SharingRule(msgspec.Struct, frozen=True):
    """The rule of a domain; that of a domain without events is the default."""

    visible: Visible = Visible.DOMAIN
    domains: frozenset[str] = frozenset()
    """Ids."""
    anyone: bool = False

    def covers(self, own: str, other: str) -> bool:
        """Whether it permits the domain with the id `own` to see the other one."""
        match self.visible:
            case Visible.NOBODY:
                return False
            case Visible.ALL:
                return True
            case _:
                return own == other or (self.visible is Visible.DOMAINS and other in self.domains)


_DEFAULT = SharingRule()


class KnownSharing:
    """The switch and the rules in memory. Domains without a rule of their own take no room."""

    def __init__(self) -> None:
        self.is_on = False
        self._rules: dict[str, SharingRule] = {}

    def apply(self, event: Event) -> None:
        """Apply one event; others are ignored."""
        match event:
            case SharingSwitched(on):
                self.is_on = on
            case SharingRuleChanged(domain, visible, domains, anyone):
                self._rules[domain] = SharingRule(_visible(visible), frozenset(domains), anyone)
            case DomainRemoved(domain):
                self._rules.pop(domain, None)

    def rule_of(self, domain: str) -> SharingRule:
        """The rule of the domain with this id."""
        return self._rules.get(domain, _DEFAULT)

    def sees(self, domain: str, other: str) -> bool:
        """Whether the accounts of two domains, given by id, see each other."""
        if not self.is_on:
            return False
        return self.rule_of(domain).covers(domain, other) and self.rule_of(other).covers(other, domain)


def _visible(text: str) -> Visible:
    """The value of an event; one that this release does not know shows nobody."""
    try:
        return Visible(text)
    except ValueError:
        return Visible.NOBODY

"""The opposites of changes of who sees whom, and of the switches for All Mail and POP3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.directory.domain.histories import HistoryStep, Values
from services.directory.domain.sharing import SharingRuleState
from services.directory.handlers import sharing
from services.directory.handlers.account_switches import ALL_MAIL, POP3
from services.directory.handlers.reverting_memberships import Opposite
from shared.events.all_mail import AccountAllMailChanged
from shared.events.pop3 import AccountPop3Changed
from shared.events.sharing import SharingRuleChanged
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction


def former_rule(domain: str, before: Values) -> list[Event]:
    """The event that gives a domain the rule again that it had; none for the default."""
    rule = _rule(before)
    if rule == SharingRuleState():
        return []
    return [SharingRuleChanged(domain, rule.visible, rule.domains, rule.anyone)]


def _set_rule(tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
    """Set the rule that was there before, with those of its domains that still exist."""
    event: Any = step.recorded.event
    rule = _rule(step.before)
    names = sharing.domain_names(tx, rule.domains)
    sharing.change(tx, event.domain, rule.visible, names, rule.anyone, provenance)


def _set_all_mail(tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
    event: Any = step.recorded.event
    ALL_MAIL.change(tx, event.id, step.before.get("all_mail", "") or "default", provenance)


def _set_pop3(tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
    event: Any = step.recorded.event
    POP3.change(tx, event.id, step.before.get("pop3", "") or "default", provenance)


def _rule(values: Values) -> SharingRuleState:
    """The rule in the values of a domain's history."""
    nothing = SharingRuleState()
    return SharingRuleState(
        values.get("sharing") or nothing.visible,
        tuple(values.get("sharing_domains") or ()),
        bool(values.get("sharing_anyone")),
    )


SHARING_OPPOSITES: Mapping[type[Event], Opposite] = {
    SharingRuleChanged: _set_rule,
    AccountAllMailChanged: _set_all_mail,
    AccountPop3Changed: _set_pop3,
}
"""By the type of the event."""

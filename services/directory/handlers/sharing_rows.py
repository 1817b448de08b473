"""Reads the rules of sharing, also as the events that would create them."""

from __future__ import annotations

import msgspec

from services.directory.domain.sharing import SharingRuleState
from services.directory.projections.sharing import SERVER, SWITCHED_ON
from shared.events.sharing import SharingRuleChanged, SharingSwitched
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event

SHARING_SQL = "SELECT scope, visible, domains, anyone FROM sharing_rule WHERE scope > ? ORDER BY scope LIMIT ?"
_names = msgspec.json.Decoder(tuple[str, ...])


def rule_of(reader: Reader, domain: str) -> SharingRuleState:
    """The rule of the domain with this id."""
    row = reader.first_row("SELECT visible, domains, anyone FROM sharing_rule WHERE scope = ?", (domain,))
    return SharingRuleState(row[0], _names.decode(row[1]), bool(row[2])) if row is not None else SharingRuleState()


def sharing_events(row: Row) -> list[Event]:
    """The events that would create the switch, or a rule, in a copy of the address book."""
    scope, visible, domains, anyone = row
    if scope == SERVER:
        return [SharingSwitched(visible == SWITCHED_ON)]
    return [SharingRuleChanged(scope, visible, _names.decode(domains), bool(anyone))]

"""Decisions on aliases: from a command and the present state to events, or to a refusal that says what to do."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from services.directory.domain.decide import check_free
from services.directory.domain.state import AliasState, DirectoryRefused
from shared.events.directory import (
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasOwnersChanged,
    AliasRemoved,
    AliasSwitched,
    AliasTargetsChanged,
)
from shared.eventstore.event import Event
from shared.protocol.address.address import Address
from shared.routing.known_groups import GROUP_TARGET
from shared.routing.known_names import KnownAlias, kind_of
from shared.routing.wildcards import WILDCARD

WILDCARDS_PER_DOMAIN = 1_000
OWNER_LIMIT = 1_000


class AliasRequest(msgspec.Struct, frozen=True):
    """What an operator asks an alias to be; None leaves a value as it is."""

    targets: tuple[Address, ...] | None = None
    owners: tuple[str, ...] | None = None
    """Ids of users."""
    ends_at: int | None = None
    """UTC microseconds since the epoch; 0: it does not end."""
    disabled: bool | None = None
    groups: tuple[str, ...] = ()
    """The ids of the groups among the targets."""


class AliasContext(msgspec.Struct, frozen=True):
    """What decisions on an alias need from elsewhere."""

    now: int
    is_known: Callable[[Address], bool]
    """Whether a target is another server's address or exists here."""
    leads_back: Callable[[KnownAlias], bool]
    """Whether the mail of an alias would come back to it."""


def add_alias(
    holder: str, ours: bool, patterns: int, address: Address, request: AliasRequest, context: AliasContext
) -> list[Event]:
    """Let mail to `address` reach the targets. `patterns` counts the wildcard aliases of the domain."""
    check_free(holder, ours, address)
    if WILDCARD in address.localpart and patterns >= WILDCARDS_PER_DOMAIN:
        raise DirectoryRefused("invalid", f"a domain has at most {WILDCARDS_PER_DOMAIN} aliases with a wildcard")
    text = str(address)
    _check_targets(text, request, context)
    events: list[Event] = [AliasAdded(text, stored_targets(request))]
    if request.ends_at:
        _check_end(request.ends_at, context.now)
        events.append(AliasEndChanged(text, request.ends_at))
    if request.owners:
        _check_owners(text, request.owners)
        events.append(AliasOwnersChanged(text, request.owners))
    return events


def change_alias(alias: AliasState, request: AliasRequest, context: AliasContext) -> list[Event]:
    """Change an alias; no event when nothing changes."""
    address, events = alias.address, list[Event]()
    if request.disabled is not None and request.disabled != alias.disabled:
        events.append(AliasSwitched(address, request.disabled))
    if request.targets is not None and stored_targets(request) != alias.targets:
        _check_targets(address, request, context)
        events.append(AliasTargetsChanged(address, stored_targets(request)))
    if request.ends_at is not None and (request.ends_at != alias.ends_at or alias.ended):
        if request.ends_at:
            _check_end(request.ends_at, context.now)
        events.append(AliasEndChanged(address, request.ends_at))
    if request.owners is not None and request.owners != alias.owners:
        _check_owners(address, request.owners)
        events.append(AliasOwnersChanged(address, request.owners))
    return events


def end_alias(alias: AliasState | None, now: int) -> list[Event]:
    """End an alias whose time is over; no event when it was changed meanwhile."""
    if alias is None or alias.ended or not alias.ends_at or alias.ends_at > now:
        return []
    return [AliasEnded(alias.address)]


def remove_alias(alias: AliasState) -> list[Event]:
    """Remove an alias."""
    return [AliasRemoved(alias.address)]


def _check_targets(address: str, request: AliasRequest, context: AliasContext) -> None:
    unknown = next((target for target in request.targets or () if not context.is_known(target)), None)
    if unknown is not None:
        raise DirectoryRefused(
            "missing", f"there is no {unknown} here: `mailfold account add {unknown} --user NAME` first"
        )
    if context.leads_back(KnownAlias(address, stored_targets(request), kind=kind_of(address))):
        raise DirectoryRefused("invalid", f"{address} would lead back to itself")


def _check_end(ends_at: int, now: int) -> None:
    if ends_at <= now:
        raise DirectoryRefused("invalid", "the end of an alias lies in the future; to end it now, disable it")


def _check_owners(address: str, owners: tuple[str, ...]) -> None:
    if owners and WILDCARD in address:
        raise DirectoryRefused("invalid", f"{address} has a '*': nobody sends as such an alias, so it has no owners")
    if len(owners) > OWNER_LIMIT:
        raise DirectoryRefused("invalid", f"an alias has at most {OWNER_LIMIT} owners")


def stored_targets(request: AliasRequest) -> tuple[str, ...]:
    """The targets as events have them."""
    return (*map(str, request.targets or ()), *(f"{GROUP_TARGET}{group}" for group in request.groups))

"""Decisions on who sees whom."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.sharing import SharingRuleChanged
from shared.routing.known_sharing import Visible

MOST_DOMAINS = 1_000


class SharingRuleState(msgspec.Struct, frozen=True):
    """The rule of a domain."""

    visible: str = Visible.DOMAIN.value
    domains: tuple[str, ...] = ()
    """Ids, in order."""
    anyone: bool = False


def set_rule(
    domain: str, present: SharingRuleState, visible: str, domains: Sequence[str], anyone: bool | None
) -> list[SharingRuleChanged]:
    """Change the rule of a domain; no event when nothing changes. Raises DirectoryRefused.

    `visible` is empty to keep whom its accounts see; `domains` are the ids of the named domains.
    """
    try:
        kind = Visible(visible or present.visible)
    except ValueError as error:
        raise DirectoryRefused(
            "invalid", f"{visible!r} is not one of {', '.join(Visible)}: say whom the accounts of the domain see"
        ) from error
    if domains and kind is not Visible.DOMAINS:
        raise DirectoryRefused("invalid", f"other domains are named for `{Visible.DOMAINS}` only, not for `{kind}`")
    if visible and kind is Visible.DOMAINS and not domains:
        raise DirectoryRefused("invalid", "which domains? Name them; `domain` is the own domain alone")
    if len(domains) > MOST_DOMAINS:
        raise DirectoryRefused("invalid", f"a domain names at most {MOST_DOMAINS} others")
    named = tuple(sorted(set(domains) - {domain})) if visible else present.domains
    desired = SharingRuleState(kind.value, named, present.anyone if anyone is None else anyone)
    if desired == present:
        return []
    return [SharingRuleChanged(domain, desired.visible, desired.domains, desired.anyone)]

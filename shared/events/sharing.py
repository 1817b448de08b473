"""Events about who may share mailboxes with whom. The switch is in the stream `sharing`, a rule in `domain:<id>`.

Whoever keeps shares ends those of an account, user, group or domain with the event of its removal; a changed switch or
rule ends none, but shares that it forbids give no right while it is in force.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("sharing.switched")
class SharingSwitched(Event, frozen=True):
    """The setting of the server for sharing is another one since this start."""

    on: bool


@stored("sharing.rule_changed")
class SharingRuleChanged(Event, frozen=True):
    """The accounts of a domain see others, and are seen by them, by another rule."""

    domain: str
    visible: str
    """`nobody`, `domain`, `domains` or `all`."""
    domains: tuple[str, ...] = ()
    """For `domains`: the ids of the others, which may have been removed since."""
    anyone: bool = False
    """Whether the accounts may share with everybody whom they see, at once."""

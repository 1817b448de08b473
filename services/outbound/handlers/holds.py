"""The switch for all sending, the rules that hold new mail, and the release of held entries."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from services.outbound.domain.entry import QueueEntry
from shared.events.outbound import (
    OutboundHeld,
    OutboundHoldRuleAdded,
    OutboundHoldRuleRemoved,
    OutboundPaused,
    OutboundQueued,
    OutboundReleased,
    OutboundResumed,
)
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction, VersionConflict
from shared.grpc.errors import LimitReached, NotFound
from shared.ids import IdKind, Ids

STREAM = "queue"
"""The stream of the switch and the rules."""
_ACTOR = Actor("service", "outbound")
_MOST_RULES = 1_000


class HoldRule(NamedTuple):
    """A rule as its row: patterns with `*` for sender and recipient; an empty one fits everything."""

    rule: str
    sender: str
    recipient: str
    reason: str
    at: int

    def fits(self, sender: str, recipient: str) -> bool:
        """Whether the rule holds a mail from `sender` to `recipient`."""
        pairs = ((self.sender, sender), (self.recipient, recipient))
        return all(not pattern or fnmatchcase(address.lower(), _glob(pattern)) for pattern, address in pairs)


def _glob(pattern: str) -> str:
    """The pattern for fnmatch, in which only `*` has a meaning: an address literal has brackets."""
    return pattern.lower().replace("[", "[[]").replace("?", "[?]")


class Holds:
    """Knows whether all sending is paused, and which rules hold new mail."""

    def __init__(self, store: EventStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._rules: dict[str, HoldRule] = {}
        self.pause_reason: str | None = None

    @property
    def is_paused(self) -> bool:
        """Whether an operator stopped all sending."""
        return self.pause_reason is not None

    @property
    def rules(self) -> Sequence[HoldRule]:
        """The rules in force, oldest first."""
        return sorted(self._rules.values(), key=lambda rule: rule.at)

    async def start(self) -> None:
        """Read the switch and the rules."""
        row = await self._store.read(lambda reader: reader.first_row("SELECT reason FROM pause WHERE name = 'all'"))
        self.pause_reason = row[0] if row else None
        rows = await self._store.read(
            lambda reader: reader.all("SELECT rule, sender, recipient, reason, at FROM hold_rule")
        )
        self._rules = {row[0]: HoldRule(*row) for row in rows}

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Apply committed events."""
        for item in recorded:
            match item.event:
                case OutboundPaused(reason):
                    self.pause_reason = reason
                case OutboundResumed():
                    self.pause_reason = None
                case OutboundHoldRuleAdded(rule, sender, recipient, reason):
                    self._rules[rule] = HoldRule(rule, sender, recipient, reason, item.at)
                case OutboundHoldRuleRemoved(rule):
                    self._rules.pop(rule, None)
                case _:
                    pass

    def hold_of(self, queued: OutboundQueued, now: int) -> OutboundHeld | None:
        """The event that holds a new entry: its sender asked for a later time, or a rule fits; else None."""
        if queued.release_at > now:
            return OutboundHeld(queued.entry, queued.queue_id, "the sender holds it back", queued.release_at)
        for rule in self._rules.values():
            if rule.fits(queued.reverse_path, queued.forward_path):
                reason = rule.reason or f"held by rule {rule.rule}"
                return OutboundHeld(queued.entry, queued.queue_id, reason)
        return None

    async def pause(self, reason: str, provenance: Provenance) -> None:
        """Stop all sending; does nothing when it is stopped."""
        if not self.is_paused:
            await self._append(OutboundPaused(reason), provenance)

    async def resume(self, provenance: Provenance) -> None:
        """Resume sending; does nothing when it is not stopped."""
        if self.is_paused:
            await self._append(OutboundResumed(), provenance)

    async def add_rule(self, sender: str, recipient: str, reason: str, provenance: Provenance) -> str:
        """Hold new mail that fits; returns the rule's id. Raises LimitReached."""
        if len(self._rules) >= _MOST_RULES:
            raise LimitReached(f"there are {_MOST_RULES} hold rules already; remove one first")
        rule = self._ids.new(IdKind.COMMAND)
        await self._append(OutboundHoldRuleAdded(rule, sender, recipient, reason), provenance)
        return rule

    async def remove_rule(self, rule: str, provenance: Provenance) -> None:
        """End a rule. Raises NotFound."""
        if rule not in self._rules:
            raise NotFound(f"there is no hold rule {rule}; `mailfold queue hold-rule list` shows them")
        await self._append(OutboundHoldRuleRemoved(rule), provenance)

    async def release(self, entries: Sequence[QueueEntry]) -> None:
        """Release entries whose time of release is reached; one that changed meanwhile is not released."""

        def work(transaction: Transaction) -> None:
            for entry in entries:
                event = OutboundReleased(entry.id, entry.queued.queue_id)
                provenance = Provenance(_ACTOR, correlation=entry.queued.queue_id)
                try:
                    transaction.append(entry.id, [event], provenance, expected=entry.version)
                except VersionConflict:
                    continue

        await self._store.write(work)

    async def _append(self, event: Event, provenance: Provenance) -> None:
        await self._store.write(lambda transaction: transaction.append(STREAM, [event], provenance))

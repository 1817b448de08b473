"""Mails that are ready to be sent, by next hop: which is sent next, and how many at once.

The hops take turns, and within a hop its senders do, so that neither a slow server nor a large mailing delays others.
The module has no clock; the caller passes the time in seconds that never go back.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import NextHop
from services.outbound.domain.sending import Sending


class ReadyMail(msgspec.Struct, frozen=True):
    """Entries of one mail for one domain, which are sent in one transaction."""

    queue_id: str
    domain: str
    sender: str
    entries: tuple[QueueEntry, ...]
    sending: Sending = Sending()
    """How the sending domain sends; known when the next hop is chosen."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the entries."""
        return tuple(entry.id for entry in self.entries)

    @property
    def sending_domain(self) -> str:
        """The domain of ours that sends the mail."""
        return self.entries[0].queued.sending_domain


class HopLimits(msgspec.Struct, frozen=True):
    """How much mail one next hop gets."""

    most_at_once: int = 20
    per_minute: int = 0
    """Mails a minute; 0: no limit."""


@dataclass(slots=True)
class HopState:
    """What is known of a next hop while mail for it is in memory."""

    hop: NextHop
    limits: HopLimits
    at_once: float = 2.0
    """How many mails it takes at once; it grows with each success and is halved when the hop asks for less."""
    in_flight: int = 0
    failures: int = 0
    """Failures of the whole hop in a row."""
    blocked_until: float = 0.0
    not_before: float = 0.0
    mails: OrderedDict[str, deque[ReadyMail]] = field(default_factory=OrderedDict)

    def room(self) -> int:
        """How many mails may be begun now; after a failure a single one tests the hop."""
        allowed = 1 if self.failures else min(int(self.at_once), self.limits.most_at_once)
        return max(0, allowed - self.in_flight)

    def put(self, mail: ReadyMail) -> None:
        """Add a mail behind the others of its sender."""
        self.mails.setdefault(mail.sender, deque()).append(mail)

    def take(self) -> ReadyMail:
        """The next mail; the senders take turns. Raises KeyError without one."""
        sender, waiting = self.mails.popitem(last=False)
        mail = waiting.popleft()
        if waiting:
            self.mails[sender] = waiting
        return mail

    def drop(self) -> list[ReadyMail]:
        """Remove and return all mails that are not begun."""
        dropped = [mail for waiting in self.mails.values() for mail in waiting]
        self.mails.clear()
        return dropped


class ClaimedEntries:
    """The entries that are in memory, so that each is sent once."""

    def __init__(self) -> None:
        self._by_domain: dict[str, set[str]] = {}
        self._entries: set[str] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: str) -> bool:
        return entry in self._entries

    def of(self, domain: str) -> frozenset[str]:
        """The claimed entries for a domain."""
        return frozenset(self._by_domain.get(domain, ()))

    def add(self, mail: ReadyMail) -> bool:
        """Claim the entries of a mail; False, and nothing is claimed, when one of them is claimed already."""
        if not self._entries.isdisjoint(mail.ids):
            return False
        self.add_free(mail.domain, mail.ids)
        return True

    def add_free(self, domain: str, entries: Sequence[str]) -> list[str]:
        """Claim those of the entries for a domain that are not claimed; returns them."""
        free = [entry for entry in entries if entry not in self._entries]
        if free:
            self._entries.update(free)
            self._by_domain.setdefault(domain, set()).update(free)
        return free

    def remove(self, mail: ReadyMail) -> None:
        """End the claims of a mail."""
        self.remove_entries(mail.domain, mail.ids)

    def remove_entries(self, domain: str, entries: Iterable[str]) -> None:
        """End the claims of these entries for a domain."""
        members = self._by_domain.get(domain, set())
        for entry in entries:
            self._entries.discard(entry)
            members.discard(entry)
        if not members:
            self._by_domain.pop(domain, None)


class ReadyMails:
    """The ready mails of a process. It forgets the hops that were used least lately."""

    def __init__(self, remembered: int = 10_000) -> None:
        self._remembered = remembered
        self._hops: OrderedDict[str, HopState] = OrderedDict()
        self._turns: deque[str] = deque()
        """The keys of hops with ready mails, in the order of their turns."""

    def hop(self, hop: NextHop, limits: HopLimits) -> HopState:
        """The state of a hop; a new one when it is not known."""
        state = self._hops.get(hop.key)
        if state is None:
            state = self._hops[hop.key] = HopState(hop, limits)
            self._forget_oldest()
        state.hop, state.limits = hop, limits
        self._hops.move_to_end(hop.key)
        return state

    def put(self, state: HopState, mail: ReadyMail) -> None:
        """Make a mail ready."""
        if not state.mails:
            self._turns.append(state.hop.key)
        state.put(mail)

    def take(self, now: float) -> tuple[HopState, ReadyMail] | None:
        """The next mail that may be sent now, counted as in flight; None when there is none."""
        for _ in range(len(self._turns)):
            key = self._turns.popleft()
            state = self._hops[key]
            if state.mails and state.room() and now >= max(state.blocked_until, state.not_before):
                return state, self._begun(state, now)
            if state.mails:
                self._turns.append(key)
        return None

    def next_time(self, now: float) -> float | None:
        """When a hop that must wait only for its rate may be used again; None when none waits for that."""
        times = [self._hops[key].not_before for key in self._turns if self._hops[key].not_before > now]
        return min(times, default=None)

    def drop(self) -> list[ReadyMail]:
        """Remove and return all mails that are not begun."""
        self._turns.clear()
        return [mail for state in self._hops.values() for mail in state.drop()]

    def unblock(self) -> None:
        """End the back-off of every hop; each is then tested by a single mail."""
        for state in self._hops.values():
            state.blocked_until = 0.0

    def _begun(self, state: HopState, now: float) -> ReadyMail:
        mail = state.take()
        state.in_flight += 1
        if state.limits.per_minute:
            state.not_before = max(now, state.not_before) + 60.0 / state.limits.per_minute
        if state.mails:
            self._turns.append(state.hop.key)
        return mail

    def _forget_oldest(self) -> None:
        for key in list(self._hops)[: max(0, len(self._hops) - self._remembered)]:
            state = self._hops[key]
            if not state.mails and not state.in_flight and key not in self._turns:
                del self._hops[key]


def note_success(state: HopState) -> None:
    """The hop took a mail: it gets slightly more at once."""
    state.failures = 0
    state.blocked_until = 0.0
    state.at_once = min(float(state.limits.most_at_once), state.at_once + 1.0 / max(1.0, state.at_once) + 0.25)


def note_taken(state: HopState) -> None:
    """The hop asks for a message: it answers, so that others need not wait until this one is sent."""
    if state.failures:
        state.failures = 0
        state.blocked_until = 0.0
    state.at_once = max(2.0, state.at_once)


def note_busy(state: HopState) -> None:
    """The hop asked for less: it gets half as much at once. It answers, so earlier failures no longer count."""
    state.failures = 0
    state.blocked_until = 0.0
    state.at_once = max(1.0, state.at_once / 2)


def note_failure(state: HopState, until: float) -> None:
    """The hop cannot be reached: no mail is sent to it until this time, and then a single mail tests it."""
    state.failures += 1
    state.blocked_until = until
    state.at_once = 1.0

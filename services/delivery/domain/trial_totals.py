"""What a trial over the mail of a window has counted, and how it compares a mail with what was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from services.delivery.domain.destinations import Destinations
from services.delivery.domain.script_chain import ChainState
from shared.protocol.sieve.actions import NotifyAction, SieveAction


class TrialTotals(msgspec.Struct):
    """The mails of a trial by what became of them."""

    mails: int = 0
    """Mails that the scripts ran over."""
    elsewhere: int = 0
    redirected: int = 0
    refused: int = 0
    discarded: int = 0
    answered: int = 0
    notified: int = 0
    duplicates: int = 0
    failed: int = 0
    gone: int = 0
    """Mails whose messages were removed for good."""
    unknown: int = 0
    """Mails whose reception the log does not have."""

    def count(self, would_be: Destinations, state: ChainState, *, answers: int, is_duplicate: bool) -> None:
        """Count a mail over which the scripts have run."""
        self.mails += 1
        self.redirected += bool(would_be.addresses)
        self.refused += would_be.is_refused
        self.discarded += would_be.is_nowhere
        self.answered += bool(answers)
        self.notified += any(isinstance(action, NotifyAction) for action in actions_of(state))
        self.duplicates += is_duplicate
        self.failed += bool(state.failures)


class GoesElsewhere(NamedTuple):
    """How a mail would go elsewhere, and what decides that."""

    was: Destinations
    would_be: Destinations
    line: int
    rule: str
    failure: str


def actions_of(state: ChainState) -> Iterable[SieveAction]:
    """All that the scripts have decided but keeps."""
    return (decision.action for decision in state.decisions)

"""Records what was sent, what the server replied, and when; the mailboxes are compared with it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.mails import RenderedMail


@dataclass(slots=True)
class Ledger:
    """All attempts, by token."""

    accepted: dict[str, tuple[RenderedMail, str]] = field(default_factory=dict)
    """Accepted attempts, with the queue id of the 250 reply."""
    cut: dict[str, RenderedMail] = field(default_factory=dict)
    """Attempts whose final dot was sent without a reply: they may have been accepted or not."""
    appended: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Token → (account, digest) of an APPEND that was answered OK."""
    append_cut: dict[str, tuple[str, str]] = field(default_factory=dict)
    allowance: float = math.inf
    """Counts of accepted mails at which senders pause until the kill has happened, so that every kill meets mail in
    progress."""
    failures: Counter[str] = field(default_factory=Counter)
    """Attempts that failed, by their cause."""
    wrong: list[str] = field(default_factory=list)
    """Results that no outage excuses: a permanent refusal of a valid mail, or a reply without a queue id."""
    moves: int = 0
    moved: int = 0
    """Number of messages in MOVE commands that were answered OK."""
    flagged: int = 0

    @property
    def queue_ids(self) -> dict[str, RenderedMail]:
        """The queue ids of accepted mails."""
        return {queue_id: mail for mail, queue_id in self.accepted.values()}

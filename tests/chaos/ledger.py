"""What was sent, what the server said of it, and when: the book that the mailboxes are compared with."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.mails import RenderedMail


@dataclass(slots=True)
class Ledger:
    """Attempts by their token."""

    accepted: dict[str, tuple[RenderedMail, str]] = field(default_factory=dict)
    """With the queue id of the 250."""
    cut: dict[str, RenderedMail] = field(default_factory=dict)
    """The final dot was sent and no reply came: nobody can know."""
    appended: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Token → (account, digest) of an APPEND that was answered OK."""
    append_cut: dict[str, tuple[str, str]] = field(default_factory=dict)
    allowance: float = math.inf
    """Senders rest at so many accepted mails: the killer leads, so that every kill meets mail on its way."""
    failures: Counter[str] = field(default_factory=Counter)
    """Attempts that came to nothing, by what was in the way."""
    wrong: list[str] = field(default_factory=list)
    """What no outage excuses: a permanent refusal of a good mail, a reply without queue id…"""
    moves: int = 0
    moved: int = 0
    """Messages in MOVEs answered OK."""
    flagged: int = 0

    @property
    def queue_ids(self) -> dict[str, RenderedMail]:
        """Accepted letters by queue id."""
        return {queue_id: mail for mail, queue_id in self.accepted.values()}

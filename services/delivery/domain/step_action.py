"""What the steps of a plan do."""

from __future__ import annotations

from enum import StrEnum


class StepAction(StrEnum):
    """The effect of a step. The values are stored in events."""

    STORE = "store"
    ENQUEUE = "enqueue"
    BOUNCE = "bounce"
    DISCARD = "discard"
    LIST = "list"
    """The mail goes to the members of a list; further decisions name them."""
    LEAVE = "leave"
    """The author ends a membership."""
    COUNT = "count"
    """A post has come back from a member of a list."""
    HOLD = "hold"
    """A post waits for a moderator of the list."""
    DECIDE = "decide"
    """A moderator decides about a held post."""
    REFUSE = "refuse"
    """A script refuses the mail (reject, ereject); the sender is told unless that would be backscatter."""
    ANSWER = "answer"
    """A vacation response."""
    NOTIFY = "notify"
    """A notification to an address that a script names, or to the owner about a script."""
    REMEMBER = "remember"
    """Remembers that the mail was seen (RFC 7352), once all other steps of the recipient have succeeded."""

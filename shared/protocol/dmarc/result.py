"""The verdict of a DMARC evaluation."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.protocol.dmarc.record import Policy

DmarcCode = Literal["pass", "fail", "none", "temperror", "permerror"]
"""RFC 7489 section 11.2."""

_MILDER: dict[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class DmarcResult(msgspec.Struct, frozen=True):
    """Whether the author domain is authentic, and what its owner wants done when it is not."""

    result: DmarcCode
    author_domain: str = ""
    """The domain of From that this verdict is about."""
    policy: Policy = "none"
    """What the owner asks for a message that fails: p=, or sp= when the record is the organisation's."""
    policy_domain: str = ""
    """The domain whose record applies; empty when there is none."""
    record: str = ""
    percent: int = 100
    """pct=: of the failing messages, how many the policy is meant for."""
    aligned_spf: str = ""
    """The domain that SPF passed and that is aligned with the author domain."""
    aligned_dkim: tuple[str, ...] = ()
    """The signing domains that passed and are aligned."""
    reason: str = ""

    def disposition(self, roll: int) -> Policy:
        """What to do: the policy, or the next milder one when `roll` (0 to 99) is not within pct= (RFC 7489 section
        6.6.4).

        Take the roll from something of the message itself, so that a repeat decides the same.
        """
        if self.result != "fail":
            return "none"
        return self.policy if roll < self.percent else _MILDER[self.policy]

"""The verdict of a DMARC evaluation."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.protocol.dmarc.record import Policy

DmarcCode = Literal["pass", "fail", "none", "temperror", "permerror"]
"""The result codes of RFC 7489 §11.2."""

_MILDER: dict[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class DmarcResult(msgspec.Struct, frozen=True):
    """The verdict: whether the author domain is authentic, and the policy of its owner otherwise."""

    result: DmarcCode
    author_domain: str = ""
    """The domain of From to which the verdict applies."""
    policy: Policy = "none"
    """The policy for a message that fails: p=, or sp= from the record of the organisational domain."""
    policy_domain: str = ""
    """The domain whose record applies; empty without a record."""
    record: str = ""
    percent: int = 100
    """pct=: the percentage of failing messages to which the policy applies."""
    aligned_spf: str = ""
    """The domain for which SPF passed and which is aligned with the author domain."""
    aligned_dkim: tuple[str, ...] = ()
    """The signing domains that passed and are aligned."""
    reason: str = ""

    def disposition(self, roll: int) -> Policy:
        """The policy to apply, or the next milder one when `roll` (0 to 99) is not within pct= (RFC 7489 §6.6.4).

        The roll must depend on the message, so that a repeat has the same result.
        """
        if self.result != "fail":
            return "none"
        return self.policy if roll < self.percent else _MILDER[self.policy]

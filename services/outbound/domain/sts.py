"""The MTA-STS policy of a domain as it is known, and when it is looked at again (RFC 8461 §5)."""

from __future__ import annotations

import msgspec

from shared.protocol.mta_sts.policy import StsPolicy

_SECOND = 1_000_000
_LOOK_SECONDS = 86_400
"""Seconds between two looks at the id of a valid policy."""
_FAILED_LOOK_SECONDS = 600
_FETCH_PAUSE_SECONDS = 300
"""Seconds between two fetches of a policy that cannot be fetched (RFC 8461 §3.3)."""


class StsFetchFailed(Exception):
    """A policy cannot be fetched. `result` is a result type of RFC 8460 §4.3.2."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result


class KnownPolicy(msgspec.Struct, frozen=True):
    """What is known of a domain's policy. Times are UTC microseconds."""

    policy: StsPolicy | None = None
    id: str = ""
    fetched: int = 0
    failed_id: str = ""
    """The id of the policy that could not be fetched."""
    failed_result: str = ""
    failed_reason: str = ""
    failed_at: int = 0
    looked: int = 0
    """When the record was read."""
    is_unanswered: bool = False
    """Whether the last look got no answer."""

    def is_valid(self, now: int) -> bool:
        """Whether the policy has not reached its age. The DNS and the web server are not asked."""
        return self.policy is not None and now < self.fetched + self.policy.max_age * _SECOND

    def is_look_due(self, now: int) -> bool:
        """Whether the record must be read again: always without a valid policy, and daily with one."""
        pause = _FAILED_LOOK_SECONDS if self.is_unanswered else _LOOK_SECONDS
        return not self.is_valid(now) or now >= self.looked + pause * _SECOND

    def is_fetch_due(self, policy_id: str, now: int) -> bool:
        """Whether a policy with this id in its record must be fetched: it is new, or the known one is half its age."""
        pause = _FETCH_PAUSE_SECONDS * _SECOND
        is_recent = policy_id == self.failed_id and now < self.failed_at + pause
        if is_recent or (policy_id == self.id and now < self.fetched + pause):
            return False
        if self.policy is None or policy_id != self.id:
            return True
        return now >= self.fetched + self.policy.max_age * _SECOND // 2

    def view(self, now: int) -> PolicyInForce:
        """The policy for a decision at this time."""
        if self.policy is not None and self.is_valid(now):
            return PolicyInForce(self.policy, self.id)
        return PolicyInForce(None, self.failed_id, self.failed_result, self.failed_reason, self.is_unanswered)


class PolicyInForce(msgspec.Struct, frozen=True):
    """The valid policy of a domain, or why there is none."""

    policy: StsPolicy | None = None
    id: str = ""
    problem: str = ""
    """The result type when the domain has a policy that cannot be fetched."""
    reason: str = ""
    is_unanswered: bool = False
    """Whether the DNS did not say if there is a policy, so that mail must wait."""

"""Which copies of a mail get a return path of ours."""

from __future__ import annotations

import msgspec

from services.delivery.domain.forwarding import forwarding_recipients, with_return_paths
from services.delivery.domain.plan import StepAction, plan
from shared.events.mail import Recipient
from shared.routing.resolution import Resolution, ResolutionKind, Target
from tests.unit.services.delivery.domain.test_plan import mail

HERE, ZOE = Target("ann@example.org", "a1"), Target("zoe@elsewhere.example")
BOTH = (Recipient("both@example.org"), Resolution(ResolutionKind.ACCOUNTS, (HERE, ZOE), "both@example.org"))
LOCAL = (Recipient("ann@example.org"), Resolution(ResolutionKind.ACCOUNTS, (HERE,)))
REMOTE = (Recipient("dora@elsewhere.example"), Resolution(ResolutionKind.REMOTE, (Target("dora@elsewhere.example"),)))
ROUTES = [BOTH, LOCAL, REMOTE]


def test_only_recipients_here_with_targets_elsewhere_forward() -> None:
    assert forwarding_recipients(ROUTES) == [BOTH[0]]


def test_the_forwarded_copy_alone_has_the_return_path_and_keeps_the_sender() -> None:
    steps = plan(mail(), ROUTES).steps
    changed = with_return_paths(steps, {"both@example.org": "SRS0=x@example.org"})
    assert [step.action for step in steps] == [StepAction.STORE, StepAction.ENQUEUE, StepAction.DISCARD, "enqueue"]
    assert changed[1] == msgspec.structs.replace(
        steps[1], reverse_path="SRS0=x@example.org", original_sender=mail().reverse_path
    )
    assert [step for step in changed if step.index != 1] == [step for step in steps if step.index != 1]


def test_without_return_paths_and_with_the_same_sender_nothing_changes() -> None:
    steps = plan(mail(), ROUTES).steps
    assert with_return_paths(steps, {}) == steps
    assert with_return_paths(steps, {"both@example.org": mail().reverse_path}) == steps

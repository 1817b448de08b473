"""The envelope sender of mail that is forwarded to other servers (the Sender Rewriting Scheme).

A forwarded copy leaves with a return path in the domain that forwards. So SPF passes for it, and a bounce comes back to
this server, which sends it on to the first sender. Copies that are delivered here keep the sender as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from services.delivery.domain.plan import Route, StepAction
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.routing.resolution import ResolutionKind


def forwarding_recipients(routes: Sequence[Route]) -> list[Recipient]:
    """The recipients here that have targets at other servers."""
    return [
        recipient
        for recipient, resolution in routes
        if resolution.kind is ResolutionKind.ACCOUNTS and any(target.is_remote for target in resolution.targets)
    ]


def with_return_paths(steps: Sequence[Step], return_paths: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of a plan with the return paths of its forwarded copies, which are given for their recipients.

    A step keeps the original sender, too: a bounce to a return path that could not contain the sender needs it.
    """
    if not return_paths:
        return tuple(steps)
    return tuple(_rewritten(step, return_paths.get(step.recipient, "")) for step in steps)


def _rewritten(step: Step, return_path: str) -> Step:
    is_rewritten = bool(step.original_sender)  # by the redirect of a script, in another domain
    if step.action != StepAction.ENQUEUE or is_rewritten or return_path in ("", step.reverse_path):
        return step
    return msgspec.structs.replace(step, reverse_path=return_path, original_sender=step.reverse_path)

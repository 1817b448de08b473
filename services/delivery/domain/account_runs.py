"""What the scripts of accounts have decided about a mail, as values for its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from services.delivery.domain.outward import LocalRedirect
from services.delivery.domain.script_chain import AS_ACCEPTED, MessageForm
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.routing.resolution import Target

MOST_REDIRECTS_IN_A_ROW = 10
"""Accounts here through which a mail goes by redirects; the next one keeps it and runs no script."""


class AccountTarget(NamedTuple):
    """An account that gets a mail."""

    recipient: Recipient
    target: Target
    address: str
    """The address to which the mail was sent, or redirected."""
    form: MessageForm = AS_ACCEPTED


class AccountRun(msgspec.Struct, frozen=True):
    """The result of the scripts of an account."""

    steps: tuple[Step, ...]
    """Not numbered yet, and never empty."""
    kept: Step
    """The step that keeps the mail, for when a redirect would lead back."""
    local: tuple[LocalRedirect, ...] = ()


class PlannedScripts(NamedTuple):
    """The scripts, as far as a plan needs them."""

    has_scripts: Callable[[str], bool] = lambda account: False
    runs: Mapping[str, AccountRun] = {}
    """By account; a plan names those that are missing."""


NO_SCRIPTS = PlannedScripts()

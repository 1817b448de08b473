"""Declares the stored events of this release, whatever the services of a process import."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import shared.events


def declare_every_event() -> None:
    """Import every module with events.

    A follower takes an event that no module declares for one of a later release, and then trusts its copy no more.
    """
    for module in iter_modules(shared.events.__path__, "shared.events."):
        import_module(module.name)

"""The services as code: what they are built by, and every section of settings. The command alone knows all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import shared.events
from mailfold.layouts import START_ORDER
from shared.eventstore.event import declared
from shared.server_settings import SHARED_SECTIONS
from shared.settings import Section


def app_module(service: str) -> Any:
    """The module that exports SERVICE, SECTIONS and build. It imports all that the service needs to run."""
    return import_module(f"services.{service}.app")


@cache
def sections() -> Mapping[str, type[Section]]:
    """Every section of settings that any service declares."""
    known: dict[str, type[Section]] = dict(SHARED_SECTIONS)
    for service in START_ORDER:
        known |= import_module(f"services.{service}.settings").SECTIONS
    return known


def event_names() -> frozenset[str]:
    """The stored name of every event of this release."""
    for module in iter_modules(shared.events.__path__, "shared.events."):
        import_module(module.name)
    return frozenset(declared())


def builds(services: Iterable[str]) -> dict[str, Any]:
    """What builds each service."""
    return {service: _build(service) for service in services}


def _build(service: str) -> Any:
    build = app_module(service).build
    # The directory is told of all sections, for it writes the settings of all.
    return partial(build, sections=sections()) if service == "directory" else build

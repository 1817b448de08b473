"""All services as code: the functions that build them, and every section of settings. Only the command uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from typing import Any

from mailfold.layouts import START_ORDER
from shared.events.every import declare_every_event
from shared.eventstore.event import declared
from shared.server_settings import SHARED_SECTIONS
from shared.settings import Section


def app_module(service: str) -> Any:
    """The module that exports SERVICE, SECTIONS and build. Importing it imports everything the service needs to run."""
    return import_module(f"services.{service}.app")


@cache
def sections() -> Mapping[str, type[Section]]:
    """All sections of settings of all services."""
    known: dict[str, type[Section]] = dict(SHARED_SECTIONS)
    for service in START_ORDER:
        known |= import_module(f"services.{service}.settings").SECTIONS
    return known


def event_names() -> frozenset[str]:
    """The stored names of all events of this release."""
    declare_every_event()
    return frozenset(declared())


def builds(services: Iterable[str]) -> dict[str, Any]:
    """The build functions of these services."""
    return {service: _build(service) for service in services}


def _build(service: str) -> Any:
    build = app_module(service).build
    # The directory gets all sections, because it writes the settings of all services.
    return partial(build, sections=sections()) if service == "directory" else build

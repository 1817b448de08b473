"""The services of this installation as code: what they are built by, and every section of settings."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from typing import Any

from mailfold.layouts import START_ORDER
from shared.settings import Section


@cache
def present() -> frozenset[str]:
    """The services that are installed and can be imported."""
    return frozenset(service for service in START_ORDER if _importable(service))


@cache
def _importable(service: str) -> bool:
    if importlib.util.find_spec(f"services.{service}.app") is None:
        return False
    try:
        app_module(service)
    except ImportError as error:
        print(f"mailfold: {service} is left out: {error}", file=sys.stderr)
        return False
    return True


def app_module(service: str) -> Any:
    """The module that exports SERVICE, SECTIONS and build."""
    return import_module(f"services.{service}.app")


@cache
def sections() -> Mapping[str, type[Section]]:
    """Every section of settings that any service declares."""
    from shared.service import SHARED_SECTIONS

    found: dict[str, type[Section]] = dict(SHARED_SECTIONS)
    for service in sorted(present(), key=START_ORDER.index):
        found |= app_module(service).SECTIONS
    return found


def builds(services: Iterable[str]) -> dict[str, Any]:
    """What builds each service. The directory is told of all sections, for it writes the settings of all."""
    return {service: partial(app_module(service).build, sections=sections()) if service == "directory" else app_module(service).build for service in services}

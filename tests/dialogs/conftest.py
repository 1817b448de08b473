"""Plays dialogs on the event loop that the server uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of `shared.service.run`."""
    return {"uvloop": uvloop.new_event_loop}

"""Which services there are, in which processes they run, and in which order they start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

LayoutName = Literal["small", "split", "containers"]
Layout = Mapping[str, tuple[str, ...]]
"""Process → its services, in the order in which they start inside it."""

START_ORDER = (
    "directory",
    "mailstore",
    "outbound",
    "delivery",
    "eventlog",
    "access",
    "classifier",
    "indexer",
    "ingress",
)
OWNERS = ("directory", "ingress", "classifier", "delivery", "mailstore", "outbound")
"""The services that own data: they can be verified and rebuilt, and they keep dead letters.

They are in the order in which mail goes from one to the next, on which the sweep of blobs depends."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "directory": (),
    "mailstore": ("directory",),
    "outbound": ("directory",),
    "delivery": ("directory", "mailstore", "outbound"),
    "eventlog": ("directory",),
    "access": ("directory", "mailstore"),
    "classifier": ("directory",),
    "indexer": ("directory", "mailstore"),
    "ingress": ("directory", "delivery"),
}
"""The services that should run before a service starts and until it has stopped. A service also works without them; the
order only avoids refused calls at start and stop."""
LISTENERS = frozenset({"ingress", "access"})
"""The services that listen for clients, on ports that may be below 1024."""
BUS = "nats"
"""The process of the embedded bus."""

LAYOUTS: Mapping[LayoutName, Layout] = {
    "small": {
        "core": ("directory", "mailstore", "outbound", "delivery", "eventlog", "access"),
        "mind": ("classifier", "indexer"),
        "edge": ("ingress",),
    },
    "split": {service: (service,) for service in START_ORDER},
    "containers": {service: (service,) for service in START_ORDER},
}
CONTAINERS: LayoutName = "containers"
"""The layout whose processes a container engine starts and restarts; there is no supervisor."""


def depends(layout: Layout, process: str) -> tuple[str, ...]:
    """The processes that should run before this process."""
    home = {service: name for name, services in layout.items() for service in services}
    needed = {home[need]: None for service in layout[process] for need in NEEDS[service] if need in home}
    return tuple(name for name in needed if name != process)

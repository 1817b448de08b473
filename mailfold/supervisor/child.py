"""The children that a supervisor runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


class LayoutError(ValueError):
    """The children cannot be ordered: a name occurs twice, a dependency is unknown, or there is a circle."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Another program to start; `environment` is added to the supervisor's own."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fork:
    """A function to run in a forked copy of this process; when it returns, the child ends with status 0.

    Modules that the supervisor has imported are shared memory. The supervisor must have done nothing else before: no
    thread, event loop, socket, database or gRPC object.
    """

    main: Callable[[], None]


def always_ready(_pid: int) -> bool:
    """A `ready` function for children that need no time to start."""
    return True


def says_nothing(_pid: int) -> str:
    """A `doing` function for children whose start is short."""
    return ""


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep running.

    `ready(pid)` is called often after a start, until it returns True; it must answer quickly. `depends` names children
    that must be ready before this one starts, and that stop after it. `stop_timeout` is the number of seconds between
    SIGTERM and SIGKILL. `doing(pid)` describes the progress of the start. When the description does not change for
    `start_timeout` seconds, the child is killed and started again; a start that makes progress may take any time.
    """

    name: str
    start: Spawn | Fork
    ready: Callable[[int], bool] = always_ready
    depends: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    stop_timeout: float = 20.0
    start_timeout: float = 120.0
    doing: Callable[[int], str] = says_nothing


def check_layout(children: Sequence[Child]) -> None:
    """Check the layout. Raises LayoutError."""
    names = [child.name for child in children]
    if len(set(names)) != len(names):
        raise LayoutError(f"a name is given twice: {names}")
    if unknown := {needed for child in children for needed in child.depends} - set(names):
        raise LayoutError(f"unknown dependencies: {sorted(unknown)}")
    placed: set[str] = set()
    while len(placed) < len(children):
        fit = {child.name for child in children if child.name not in placed and placed.issuperset(child.depends)}
        if not fit:
            raise LayoutError(f"circle of dependencies among {sorted(set(names) - placed)}")
        placed |= fit

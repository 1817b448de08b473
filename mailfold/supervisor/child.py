"""What the supervisor is asked to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


class LayoutError(ValueError):
    """The children cannot be started in any order: a name twice, an unknown dependency, a circle."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Another program; `environment` is added to the supervisor's own."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fork:
    """A function, run in a copy of this process; its return ends the child with status 0. What the supervisor has
    imported is shared memory, so it must have done nothing but import: no thread, event loop, socket, database or gRPC
    object.
    """

    main: Callable[[], None]


def always_ready(_pid: int) -> bool:
    """For children that serve nobody."""
    return True


def says_nothing(_pid: int) -> str:
    """For children whose start is short."""
    return ""


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep running.

    `ready(pid)` is asked every few hundredths of a second after a start, until it says yes; it must answer quickly.
    `depends`: children that must be ready before this one starts, and that stop after it. `stop_timeout`: seconds
    between SIGTERM and SIGKILL. `doing(pid)` is asked as `ready` is: what the start does just now. `start_timeout`:
    seconds in which a start says nothing new, after which the child is killed and started again. One that advances may
    take as long as it needs.
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
    """Raises LayoutError."""
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

"""Finds the processes of the server and their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtest.meter.proc import ProcessTimes, all_times, descendants

LAUNCHER = "launcher"


@dataclass(frozen=True, slots=True)
class ServerProcesses:
    """Names by process id, as the server reported them, and the process that started it."""

    names: Mapping[int, str]
    root: int | None = None
    roots: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roots", frozenset({*self.names, *([self.root] if self.root else [])}))

    def named(self) -> dict[str, list[tuple[int, ProcessTimes]]]:
        """All running processes by name: the name reported by the server, else that of the nearest named ancestor, else
        their own."""
        times = all_times()
        grouped: dict[str, list[tuple[int, ProcessTimes]]] = {}
        for pid in sorted(descendants(set(self.roots), times)):
            grouped.setdefault(self.name_of(pid, times), []).append((pid, times[pid]))
        return grouped

    def pids(self) -> dict[str, list[int]]:
        """Process ids by name."""
        return {name: [pid for pid, _ in group] for name, group in self.named().items()}

    def name_of(self, pid: int, times: Mapping[int, ProcessTimes]) -> str:
        """The name of a process: a child without a name counts for its service, and one directly below the launcher has
        its own."""
        above = pid
        while above in times and above not in self.names and above != self.root:
            parent = times[above].parent
            if parent == self.root and parent not in self.names:
                return times[above].name
            above = parent
        return self.names.get(above, LAUNCHER)

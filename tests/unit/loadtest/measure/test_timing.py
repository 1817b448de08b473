"""The cost of reading the counters does not count for the operation."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.measure.bench import Meters
from loadtest.measure.timing import counted, timed
from loadtest.meter.work import Work
from loadtest.watching import Progress

_ASKING = 10


@dataclass
class _Server:
    """Counts three statements and 50 octets for each operation, and ten statements and 900 octets for each report."""

    statements: int = 0
    octets: int = 0
    done: list[int] = field(default_factory=list)

    async def act(self, number: int) -> None:
        self.done.append(number)
        self.statements += 3
        self.octets += 50


class _Meters(Meters):
    def __init__(self, server: _Server) -> None:
        super().__init__()
        object.__setattr__(self, "asked", server)

    asked: _Server

    def passed(self) -> Work:
        return {"bytes_read": self.asked.octets}

    async def stored(self) -> Work:
        self.asked.octets += 900
        self.asked.statements += _ASKING
        return {"statements": self.asked.statements}


async def test_the_work_of_one_is_counted_without_that_of_asking() -> None:
    server = _Server()
    result = await counted("NOOP", 100, 4, server.act, _Meters(server), Progress(silent=True), 5)
    assert result.work == {"statements": 3, "bytes_read": 50}
    assert server.done == list(range(20))


async def test_without_meters_only_the_wall_is_measured() -> None:
    server = _Server()
    result = await timed("NOOP", 100, 3, server.act, Meters(), Progress(silent=True))
    assert (result.cpu_ms, result.least_cpu_ms, result.work, len(server.done)) == (None, None, {}, 3)


async def test_what_happens_in_one_round_alone_is_not_in_the_figures() -> None:
    server = _Server()

    async def act(number: int) -> None:
        await server.act(number)
        if number == 7:
            server.octets += 1_000_000

    result = await timed("APPEND", 100, 4, act, _Meters(server), Progress(silent=True), 5)
    assert result.work == {"bytes_read": 50}

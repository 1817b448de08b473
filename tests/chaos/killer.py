"""A seeded list of kills: which process, after how many accepted mails, and at which moment of a sender."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.chaos.conditions import pause, until
from tests.chaos.ledger import Ledger
from tests.chaos.moments import Moment, Moments
from tests.chaos.victims import BUS, DATABASE, LAUNCHER, Victims

_SENDER_SECONDS = 15.0
_AHEAD = 60
"""Mails that may be accepted while the killer waits for the moment."""
_ACCEPTED_SECONDS = 45.0
ABSENT_SECONDS = 12.0
"""Seconds, longer than the bus tries a message (about five)."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill.

    `patient`: wait until the process is back before the next kill. `absent`: seconds for which it is kept away.
    `hangs`: it is stopped meanwhile, and killed at the end.
    """

    name: str
    accepted: int
    moment: Moment | None
    patient: bool
    delay: float
    wipe: bool = False
    absent: float = 0.0
    hangs: bool = False


def schedule(seed: int, names: Sequence[str], kills: int, total: int, launcher: int = 1) -> list[Kill]:
    """Kills of all processes equally often, in random order, spread over the sending.

    The bus is wiped in the middle. Two processes other than the bus are kept away for long, one of them stopped.
    """
    chance = random.Random(f"{seed} killer")
    order = [names[number % len(names)] for number in range(kills - 1 - launcher)] + [LAUNCHER] * launcher
    chance.shuffle(order)
    order.insert(kills // 2, "")
    at = sorted(chance.randint(total // 100, total * 96 // 100) for _ in order)
    result = [_kill(chance, name, accepted) for name, accepted in zip(order, at, strict=True)]
    for hangs, number in enumerate(_absent(chance, order)):
        result[number] = replace(result[number], moment=None, absent=ABSENT_SECONDS, hangs=bool(hangs))
    return result


def _absent(chance: random.Random, order: Sequence[str]) -> list[int]:
    """The places of two kills in the list: the database, if there is one, and one or two services."""
    services = sorted({name for name in order if name not in ("", LAUNCHER, BUS, DATABASE)})
    names = [DATABASE, chance.choice(services)] if DATABASE in order else chance.sample(services, 2)
    return [order.index(name) for name in names]


def _kill(chance: random.Random, name: str, accepted: int) -> Kill:
    moment = chance.choice((None, None, Moment.IN_DATA, Moment.AFTER_DOT)) if name else None
    return Kill(name, accepted, moment, chance.random() < 0.6, chance.random() * 0.3, wipe=not name)


class Killer:
    """Carries out the list of kills."""

    def __init__(self, victims: Victims, ledger: Ledger, moments: Moments) -> None:
        self._victims = victims
        self._ledger = ledger
        self._moments = moments
        self.at_moments: dict[Moment, int] = dict.fromkeys(Moment, 0)
        self.longest_return = 0.0
        self.absences: list[str] = []

    async def run(self, kills: Sequence[Kill]) -> None:
        """Carry out all kills.

        Raises NotReached when a process does not come back, or when no more mail is accepted.
        """
        for kill in kills:
            self._ledger.allowance = kill.accepted + _AHEAD
            await self._accepted(kill.accepted)
            await pause(kill.delay)
            await self._strike(kill)
            if kill.patient and not kill.wipe:
                self.longest_return = max(self.longest_return, await self._back(kill.name))
        self._ledger.allowance = math.inf

    async def _accepted(self, expected: int) -> None:
        """Wait until so many mails are accepted, as long as one after another is."""
        while (before := len(self._ledger.accepted)) < expected:
            await until(
                lambda before=before: len(self._ledger.accepted) > before,  # type: ignore[misc]
                f"another accepted mail after {before} of {expected}",
                _ACCEPTED_SECONDS,
            )

    async def _strike(self, kill: Kill) -> None:
        if kill.wipe:
            await self._victims.wipe_bus()
            return
        if kill.absent:
            await self._victims.keep_away(kill.name, kill.absent, hangs=kill.hangs)
            self.absences.append(f"{kill.name} {'hung' if kill.hangs else 'was away'} for {kill.absent:g} s")
            return
        self._ledger.allowance = len(self._ledger.accepted) + _AHEAD  # a sender must reach this place
        if kill.moment is not None and await self._moments.reached(kill.moment, _SENDER_SECONDS):
            self.at_moments[kill.moment] += 1
            if kill.moment is Moment.AFTER_DOT:  # at some point between reading the dot and answering it
                await pause(kill.delay / 10)
        try:
            await self._victims.kill(kill.name)
        finally:
            self._moments.strike_done()

    async def _back(self, name: str) -> float:
        return 0.0 if name == LAUNCHER else await self._victims.back(name)

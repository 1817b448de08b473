"""Counts the unknown recipients that the clients of each network have named.

A client that guesses addresses must not make the directory answer each guess, and waits longer for each refusal.
"""

from __future__ import annotations

from collections import OrderedDict

_SECONDS = 900.0
_NETWORKS = 10_000
"""Networks that are remembered; the least recently counted one is forgotten first."""
_LONGEST_REPLY = 5.0
"""Longest pause in seconds, far below the 5 minutes for which a client waits (RFC 5321 §4.5.3.2.3)."""


class UnknownRecipients:
    """A level for each network, which rises with every refused recipient and sinks steadily.

    It sinks from `most` to nothing within 15 minutes. Times are monotonic seconds.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def are_too_many(self, network: str, now: float) -> bool:
        """Whether the network has used up its unknown recipients."""
        return self._level(network, now) + 1 > self._most

    def add(self, network: str, now: float) -> None:
        """Count a refused recipient."""
        self._levels[network] = (self._level(network, now) + 1, now)
        self._levels.move_to_end(network)
        if len(self._levels) > _NETWORKS:
            self._levels.popitem(last=False)

    def _level(self, network: str, now: float) -> float:
        level, counted = self._levels.get(network, (0.0, now))
        return max(0.0, level - (now - counted) * self._most / _SECONDS)


def pause_before_refusal(refusals: int, step: float) -> float:
    """Seconds by which the reply is delayed after so many refused recipients."""
    return min(_LONGEST_REPLY, refusals * step)

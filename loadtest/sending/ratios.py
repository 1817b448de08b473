"""Compares servers by the medians of their rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtest.figures import Sending, SendingRatio

LEAST_RATE = 1.5
MOST_CPU = 0.6
"""The goal for Mailfold beside Postfix with Rspamd."""

QUIET_CORES = 0.6
"""CPU of others above which rounds should not be compared; the sink itself uses some of it."""


def servers(rounds: Sequence[Sending]) -> dict[str, list[Sending]]:
    """The rounds of each server, in the order of the servers' first rounds."""
    grouped: dict[str, list[Sending]] = {}
    for measured in rounds:
        grouped.setdefault(measured.server, []).append(measured)
    return grouped


def rate(rounds: Sequence[Sending]) -> float:
    """Mails per second that arrived, the median."""
    return statistics.median(measured.arrived_per_second for measured in rounds)


def cpu(rounds: Sequence[Sending]) -> float:
    """CPU milliseconds of one mail, all processes together, the median."""
    return statistics.median(sum(measured.cpu_ms_per_mail.values()) for measured in rounds)


def ratios(rounds: Sequence[Sending], first: str) -> list[SendingRatio]:
    """Server `first` beside each other server."""
    grouped = servers(rounds)
    ours = grouped.get(first)
    if not ours:
        return []
    return [
        SendingRatio(
            server=first,
            beside=name,
            arrived_per_second=round(rate(ours) / max(rate(theirs), 0.1), 2),
            cpu=round(cpu(ours) / max(cpu(theirs), 0.001), 2),
        )
        for name, theirs in grouped.items()
        if name != first
    ]


def disturbed(rounds: Sequence[Sending]) -> bool:
    """Whether other programs used so much of the machine that the rounds should not be compared."""
    return statistics.median(measured.others_cores for measured in rounds) > QUIET_CORES if rounds else False


def reaches_goal(ratio: SendingRatio) -> bool:
    """Whether the ratio to Postfix with Rspamd is good enough."""
    return ratio.arrived_per_second >= LEAST_RATE and ratio.cpu <= MOST_CPU

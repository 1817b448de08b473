"""The order of the log: each event has a log id, a number that contains its time and its origin.

An origin is one shard of one service. A log id is the event's time in eighths of a microsecond, followed by eight bits
for the number of the origin. The ids of an origin always increase, even when its clock goes back. A range of ids is a
range of time, so the log needs no index of times.
"""

from __future__ import annotations

from shared.ids import SHARDS

FOLLOWED = ("directory", "ingress", "classifier", "delivery", "mailstore", "outbound")
"""The services whose events are kept, at most 16. The index of a service is stored and must never change."""
_ORIGIN_BITS = 8
_TIME_BITS = _ORIGIN_BITS + 3
_LATEST = (1 << 52) - (1 << 30)
"""The last microsecond that an id can hold, in the year 2112. Events with a later time are ordered after it."""
LAST = (1 << 63) - 1
"""Above every id."""


def origin_number(service: int, shard: int) -> int:
    """The origin number of a shard of the service with this index in FOLLOWED."""
    return service * SHARDS + shard


def service_and_shard(number: int) -> tuple[str, int]:
    """The service and the shard of an origin number."""
    return FOLLOWED[number // SHARDS], number % SHARDS


def next_id(at: int, origin: int, last: int) -> int:
    """The log id of the next event of an origin.

    `at` is the event's time in UTC microseconds; `last` is the last id of this origin, 0 before its first.
    """
    tick = max(min(max(at, 0), _LATEST) << 3, (last >> _ORIGIN_BITS) + 1)
    return tick << _ORIGIN_BITS | origin


def begin_of(at: int) -> int:
    """The smallest id of events that happened at this microsecond or later."""
    return min(max(at, 0), _LATEST) << _TIME_BITS


def time_of(log_id: int) -> int:
    """The microsecond in which the events around a log id happened; the inverse of `begin_of`."""
    return log_id >> _TIME_BITS

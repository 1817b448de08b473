"""The order of the log: one number a fact that tells its time and where it came from.

A log id is the fact's time in eighths of a microsecond, followed by eight bits of lane (the service and its shard). Ids
of a lane only rise, whatever its clock does, and a range of ids is a range of time: so the log needs no index of times.
"""

from __future__ import annotations

from shared.shards import SHARDS

FOLLOWED = ("directory", "ingress", "classifier", "delivery", "mailstore", "outbound")
"""The services whose facts are kept; a service's place here is stored and never changes. At most 16."""
_LANE_BITS = 8
_TIME_BITS = _LANE_BITS + 3
_LATEST = (1 << 52) - (1 << 30)
"""The last microsecond that an id tells, in the year 2112; what claims to be later stands in order behind it."""
LAST = (1 << 63) - 1
"""Above every id."""


def lane(service: int, shard: int) -> int:
    """The lane of a shard of a service, given its place in FOLLOWED."""
    return service * SHARDS + shard


def lane_origin(number: int) -> tuple[str, int]:
    """Service and shard of a lane."""
    return FOLLOWED[number // SHARDS], number % SHARDS


def next_id(at: int, lane_number: int, last: int) -> int:
    """The id of a lane's next fact, which happened at `at` (UTC microseconds); `last` is the lane's last id, 0 before
    its first.
    """
    tick = max(min(max(at, 0), _LATEST) << 3, (last >> _LANE_BITS) + 1)
    return tick << _LANE_BITS | lane_number


def begin_of(at: int) -> int:
    """The smallest id of facts that happened at this microsecond or later."""
    return min(max(at, 0), _LATEST) << _TIME_BITS

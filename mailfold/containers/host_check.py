"""Settings of the machine that containers cannot make for themselves."""

from __future__ import annotations

from pathlib import Path

from mailfold.operator.failure import CommandFailed

MOST_MAPS = Path("/proc/sys/vm/max_map_count")
_NEEDED = 262_144
"""Memory maps that OpenSearch needs for its indices, as its documentation says."""


def check_host(file: Path = MOST_MAPS) -> int:
    """The memory maps that a process of this machine may have. Raises CommandFailed when OpenSearch needs more."""
    try:
        allowed = int(file.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file} cannot be read: {error}") from error
    if allowed < _NEEDED:
        raise CommandFailed(
            f"vm.max_map_count is {allowed} on this machine, and OpenSearch needs {_NEEDED}; as root of the machine "
            f"(not of a container): sysctl -w vm.max_map_count={_NEEDED}, and the line vm.max_map_count={_NEEDED} in "
            f"/etc/sysctl.d/90-opensearch.conf"
        )
    return allowed

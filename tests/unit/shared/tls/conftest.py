"""A local authority in a temporary folder, with a clock that a test sets."""

import time
from pathlib import Path

import pytest

from shared.clock import FixedClock
from shared.tls.authority import LocalAuthority


@pytest.fixture
def clock() -> FixedClock:
    """A clock that starts now, because OpenSSL compares certificates with the machine's clock."""
    return FixedClock(time.time_ns() // 1000)


@pytest.fixture
def authority(tmp_path: Path, clock: FixedClock) -> LocalAuthority:
    return LocalAuthority(tmp_path / "tls", clock)

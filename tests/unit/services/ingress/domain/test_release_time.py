"""The time of release: what the sender chose, or the end of the time to undo, whichever is later."""

from __future__ import annotations

import pytest

from services.ingress.domain.release_time import AT_ONCE, Hold, ReleaseTime, date_time, is_too_late, release_time
from shared.protocol.smtp.commands import HoldFor, HoldUntil

SECOND = 1_000_000
NOW = 1_790_000_000 * SECOND
YEAR_1 = HoldUntil(-62_135_596_800 * SECOND)
YEAR_9999 = HoldUntil(253_402_300_799 * SECOND)


@pytest.mark.parametrize(
    ("hold", "undo_seconds", "expected"),
    [
        (None, 0.0, AT_ONCE),
        (None, 10.5, ReleaseTime(NOW + 10_500_000, False)),
        (HoldFor(60), 0.0, ReleaseTime(NOW + 60 * SECOND, True)),
        (HoldFor(60), 10.0, ReleaseTime(NOW + 60 * SECOND, True)),
        (HoldFor(5), 10.0, ReleaseTime(NOW + 10 * SECOND, False)),
        (HoldUntil(NOW + 1), 0.0, ReleaseTime(NOW + 1, True)),
        (HoldUntil(NOW), 0.0, AT_ONCE),
        (HoldUntil(NOW - 1), 10.0, ReleaseTime(NOW + 10 * SECOND, False)),
        (YEAR_1, 0.0, AT_ONCE),
    ],
)
def test_the_later_time_counts(hold: Hold, undo_seconds: float, expected: ReleaseTime) -> None:
    assert release_time(hold, NOW, undo_seconds) == expected


@pytest.mark.parametrize(
    ("hold", "expected"),
    [
        (None, False),
        (HoldFor(3600), False),
        (HoldFor(3601), True),
        (HoldFor(999_999_999), True),
        (HoldUntil(NOW + 3600 * SECOND), False),
        (HoldUntil(NOW + 3600 * SECOND + 1), True),
        (YEAR_1, False),
        (YEAR_9999, True),
    ],
)
def test_what_is_offered_is_the_limit(hold: Hold, expected: bool) -> None:
    assert is_too_late(hold, NOW, 3600) is expected


def test_a_time_is_written_as_in_rfc_3339() -> None:
    assert date_time(NOW + 999_999) == "2026-09-21T14:13:20Z"

"""Which secrets of return paths are used, and when an earlier one goes."""

from __future__ import annotations

import pytest

from services.directory.domain.return_paths import (
    KEPT_DAYS,
    MOST_SECRETS,
    NewReturnPathSecret,
    ReturnPathSecretState,
    begin,
    rotate,
    usable,
)
from services.directory.domain.state import DirectoryRefused
from shared.events.return_paths import ReturnPathSecretAdded, ReturnPathSecretRetired

DAY = 86_400 * 1_000_000
NOW = 1_000 * DAY
NEW = NewReturnPathSecret("r9", "sealed")


def secret(name: str, replaced_at: int = 0) -> ReturnPathSecretState:
    return ReturnPathSecretState(name, "sealed", 1, replaced_at)


def test_the_first_secret_is_made_once() -> None:
    assert begin((), NEW) == [ReturnPathSecretAdded("r9", "sealed")]
    assert begin((secret("r1"),), NEW) == []


def test_earlier_secrets_are_used_for_their_age_the_latest_first() -> None:
    over, first, second = secret("r0", NOW - KEPT_DAYS * DAY), secret("r1", NOW - 2 * DAY), secret("r2", NOW - DAY)
    assert usable((over, first, second, secret("r3")), NOW) == [secret("r3"), second, first]


def test_rotation_retires_what_is_over_and_keeps_the_rest() -> None:
    over, earlier = secret("r0", NOW - KEPT_DAYS * DAY), secret("r1", NOW - DAY)
    assert rotate((over, earlier, secret("r2")), NEW, forget=False, now=NOW) == [
        ReturnPathSecretAdded("r9", "sealed"),
        ReturnPathSecretRetired("r0"),
    ]


def test_secrets_that_leaked_are_forgotten_at_once() -> None:
    assert rotate((secret("r1", NOW - DAY), secret("r2")), NEW, forget=True, now=NOW) == [
        ReturnPathSecretAdded("r9", "sealed"),
        ReturnPathSecretRetired("r1"),
        ReturnPathSecretRetired("r2"),
    ]


def test_there_are_never_more_secrets_than_a_server_should_try() -> None:
    many = [secret(f"r{number}", NOW - DAY) for number in range(MOST_SECRETS - 1)] + [secret("r8")]
    with pytest.raises(DirectoryRefused, match="8 secrets are valid"):
        rotate(many, NEW, forget=False, now=NOW)
    assert len(rotate(many, NEW, forget=True, now=NOW)) == 1 + MOST_SECRETS


def test_a_secret_is_not_printed() -> None:
    assert "sealed" not in repr(secret("r1")) + repr(NEW)

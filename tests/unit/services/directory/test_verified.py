"""Verified log-ins are remembered for a time, which is another one for passwords that are checked elsewhere."""

from __future__ import annotations

import pytest

from services.directory.handlers.verified import VerifiedLogins


@pytest.mark.parametrize(("user", "until"), [("", 300.0), ("u1", 60.0)])
def test_passwords_elsewhere_have_a_time_of_their_own(user: str, until: float) -> None:
    verified = VerifiedLogins(300.0, 10, 60.0)
    key = verified.key("ann@example.org", "stored", "secret")
    verified.add(key, 0.0, user)
    assert verified.holds(key, until - 0.1)
    assert not verified.holds(key, until)


@pytest.mark.parametrize(("user", "holds"), [("", True), ("u1", False)])
def test_nothing_is_remembered_for_no_time(user: str, holds: bool) -> None:
    verified = VerifiedLogins(300.0, 10, 0.0)
    key = verified.key("ann@example.org", "stored", "secret")
    verified.add(key, 0.0, user)
    assert verified.holds(key, 0.0) is holds


def test_log_ins_of_a_user_are_forgotten() -> None:
    verified = VerifiedLogins(300.0, 10, 60.0)
    keys = {user: verified.key(user, "stored", "secret") for user in ("", "u1", "u2")}
    for user, key in keys.items():
        verified.add(key, 0.0, user)
    verified.forget(set())
    verified.forget({"u1"})
    assert [user for user, key in keys.items() if verified.holds(key, 1.0)] == ["", "u2"]

"""Verified log-ins are remembered for a time, which is another one for passwords that are checked elsewhere."""

from __future__ import annotations

import pytest

from services.directory.handlers.verified import VerifiedLogins, changed_users
from shared.events.directory import UserPasswordChanged, UserRemoved, UserSwitched
from shared.events.groups import GroupJoined, GroupLeft


@pytest.mark.parametrize(("is_elsewhere", "until"), [(False, 300.0), (True, 60.0)])
def test_passwords_elsewhere_have_a_time_of_their_own(is_elsewhere: bool, until: float) -> None:
    verified = VerifiedLogins(300.0, 10, 60.0)
    key = verified.key("ann@example.org", "stored", "secret")
    verified.add(key, 0.0, "u1", is_elsewhere=is_elsewhere)
    assert verified.holds(key, until - 0.1)
    assert not verified.holds(key, until)


@pytest.mark.parametrize(("is_elsewhere", "holds"), [(False, True), (True, False)])
def test_nothing_is_remembered_for_no_time(is_elsewhere: bool, holds: bool) -> None:
    verified = VerifiedLogins(300.0, 10, 0.0)
    key = verified.key("ann@example.org", "stored", "secret")
    verified.add(key, 0.0, "u1", is_elsewhere=is_elsewhere)
    assert verified.holds(key, 0.0) is holds


def test_log_ins_of_a_user_are_forgotten() -> None:
    verified = VerifiedLogins(300.0, 10, 60.0)
    keys = {user: verified.key(user, "stored", "secret") for user in ("", "u1", "u2")}
    for user, key in keys.items():
        verified.add(key, 0.0, user)
    verified.forget(set())
    verified.forget({"u1"})
    assert [user for user, key in keys.items() if verified.holds(key, 1.0)] == ["", "u2"]


def test_a_change_of_a_user_or_of_a_membership_ends_the_memory() -> None:
    events = [
        UserPasswordChanged("u1", "hash"),
        UserSwitched("u2", True),
        UserRemoved("u3", "cid"),
        GroupLeft("g1", "u4"),
        GroupJoined("g1", "u5"),
    ]
    assert changed_users(events) == {"u1", "u2", "u3", "u4"}


def test_the_memory_is_bounded() -> None:
    verified = VerifiedLogins(300.0, 10, 60.0)
    keys = [verified.key(f"user{number}@example.org", "stored", "secret") for number in range(1000)]
    for key in keys:
        verified.add(key, 0.0, "u1")
    assert [verified.holds(key, 1.0) for key in keys].count(True) == 10

"""Which events end a log-in, and which do not."""

from __future__ import annotations

import pytest

from shared.events import credentials
from shared.events import directory as directory_events
from shared.events.groups import GroupLeft
from shared.eventstore.event import Event
from shared.routing.log_ins import EndedLogIns, Ending, LogIn, RefusedLogIns

ANN = LogIn("a1", "u1", "d1", 10, "p1")
ENDS = (
    (directory_events.UserPasswordChanged("u1", ""), Ending.CHANGED),
    (directory_events.UserSwitched("u1", True), Ending.DISABLED),
    (directory_events.AccountChanged("a1", True, 0), Ending.DISABLED),
    (directory_events.DomainChanged("d1", True, True), Ending.DISABLED),
    (directory_events.UserRemoved("u1", "ann"), Ending.REMOVED),
    (directory_events.AccountRemoved("a1", "ann@example.org"), Ending.REMOVED),
    (directory_events.DomainRemoved("d1", "example.org"), Ending.REMOVED),
    (credentials.AppPasswordRemoved("p1", "u1", "Phone"), Ending.WITHDRAWN),
    (credentials.AppPasswordExpired("p1", "u1"), Ending.EXPIRED),
    (credentials.ApplicationSwitched("a1", True), Ending.DISABLED),
    (credentials.ApplicationReceivingSwitched("a1", False), Ending.SEND_ONLY),
    (credentials.ApplicationPasswordChanged("a1", ""), Ending.CHANGED),
    (credentials.ApplicationRemoved("a1", "shop.app@example.org"), Ending.REMOVED),
)
STAYS = (
    directory_events.UserPasswordChanged("u2", ""),
    directory_events.UserSwitched("u1", False),
    directory_events.AccountChanged("a1", False, 500),
    directory_events.DomainChanged("d1", False, False),
    directory_events.AccountChanged("a2", True, 0),
    directory_events.UserAdded("u1", "ann", ""),
    directory_events.AliasRemoved("ann@example.org"),
    directory_events.SettingChanged("a1", "", ""),
    credentials.AppPasswordRemoved("p2", "u1", "Tablet"),
    credentials.AppPasswordAdded("p1", "u1", "Phone", "", ("imap",)),
    credentials.ApplicationSwitched("a1", False),
    credentials.ApplicationReceivingSwitched("a1", True),
    credentials.ApplicationLimited("a1", 5),
    credentials.ApplicationRenamed("a1", "store.app@example.org", "shop.app@example.org"),
)


def after(event: Event, position: int) -> EndedLogIns:
    ended = EndedLogIns()
    ended.apply(event, position)
    return ended


@pytest.mark.parametrize(("event", "reason"), ENDS, ids=lambda event: type(event).__name__)
def test_what_ends_a_log_in(event: Event, reason: Ending) -> None:
    assert after(event, 11).ending_of(ANN) is reason
    assert EndedLogIns().apply(event, 11)


@pytest.mark.parametrize(("event", "reason"), ENDS, ids=lambda event: type(event).__name__)
def test_what_was_known_at_the_log_in_does_not_end_it(event: Event, reason: Ending) -> None:
    assert after(event, 10).ending_of(ANN) is None


@pytest.mark.parametrize("event", STAYS, ids=lambda event: type(event).__name__)
def test_events_that_do_not_end_a_log_in(event: Event) -> None:
    assert after(event, 11).ending_of(ANN) is None


def test_who_leaves_a_group_loses_the_log_ins_at_its_accounts_alone() -> None:
    ended = after(GroupLeft("o1", "u1"), 11)
    assert ended.ending_of(LogIn("a2", "u1", "d1", 10, group="o1")) is Ending.LEFT
    assert ended.ending_of(LogIn("a2", "u1", "d1", 11, group="o1")) is None
    for other in (ANN, LogIn("a2", "u2", "d1", 10, group="o1"), LogIn("a3", "u1", "d1", 10, group="o2")):
        assert ended.ending_of(other) is None


def test_who_is_enabled_again_logs_in_anew() -> None:
    ended = after(directory_events.UserSwitched("u1", True), 11)
    ended.apply(directory_events.UserSwitched("u1", False), 12)
    assert ended.ending_of(ANN) is Ending.DISABLED
    assert ended.ending_of(LogIn("a1", "u1", "d1", 12)) is None


def test_each_refusal_takes_twice_as_long_up_to_a_limit() -> None:
    assert [RefusedLogIns(3, 0.5, 3.0).delay(number) for number in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert RefusedLogIns(3, 0.5, 3.0).delay(0) == 0.5
    assert RefusedLogIns(3, 0.5, 8.0).delay(100_000) == 8.0
    assert RefusedLogIns(3, 0.0, 8.0).delay(5) == 0.0


def test_the_last_refusal_ends_the_connection() -> None:
    refused = RefusedLogIns(3, 0.5, 3.0)
    assert [refused.add() for _ in range(3)] == [False, False, True]

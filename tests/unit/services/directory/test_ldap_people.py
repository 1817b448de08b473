"""What a complete reading of a directory elsewhere changes here."""

from __future__ import annotations

import msgspec
import pytest

from services.directory.domain.ldap_people import (
    LdapPerson,
    LinkedUser,
    changes,
    credential,
    entry_of,
    is_doubtful,
    preferred_language,
    switches,
)
from shared.events.directory import UserPasswordChanged, UserSwitched
from shared.events.ldap import LdapPasswordChanged, LdapUserBack, LdapUserSwitched
from shared.eventstore.event import Event

DAY = 86_400_000_000
NOW = 100 * DAY
ANN, BOB = LdapPerson("e1", "ann"), LdapPerson("e2", "bob")


def user(entry: str, *, disabled: bool = False, missing_since: int = 0, there: bool = False) -> LinkedUser:
    return LinkedUser(f"u-{entry}", entry, disabled, missing_since, there)


def test_new_people_and_known_users() -> None:
    changed = changes([ANN, BOB], [user("e1")], NOW, 7)
    assert changed.new == (BOB,)
    assert changed.linked == ((user("e1"), ANN),)
    assert not changed.missing and not changed.due and not changed.back


def test_a_person_whose_name_changed_is_the_same_user() -> None:
    changed = changes([LdapPerson("e1", "anna")], [user("e1")], NOW, 7)
    assert (changed.new, changed.missing) == ((), ())


@pytest.mark.parametrize(
    ("present", "after_days", "missing", "due"),
    [
        (user("e2"), 7, True, False),
        (user("e2"), 0, True, True),
        (user("e2", missing_since=NOW - 6 * DAY), 7, False, False),
        (user("e2", missing_since=NOW - 7 * DAY), 7, False, True),
        (user("e2", missing_since=NOW - 8 * DAY, disabled=True), 7, False, False),
    ],
)
def test_who_is_missing_is_disabled_after_a_time(
    present: LinkedUser, after_days: int, missing: bool, due: bool
) -> None:
    changed = changes([ANN], [user("e1"), present], NOW, after_days)
    assert (changed.missing == (present,), changed.due == (present,)) == (missing, due)
    assert not changed.back


def test_who_is_back_is_noted() -> None:
    back = user("e1", missing_since=NOW - DAY, disabled=True)
    changed = changes([ANN], [back], NOW, 7)
    assert (changed.back, changed.due, changed.missing) == ((back,), (), ())


@pytest.mark.parametrize(
    ("missing", "users", "percent", "too_many"),
    [
        (5, 5, 5, False),
        (6, 10, 5, True),
        (6, 120, 5, False),
        (7, 120, 5, True),
        (100, 100, 100, False),
        (6, 6, 0, True),
    ],
)
def test_when_so_many_are_missing_that_the_search_is_doubtful(
    missing: int, users: int, percent: int, too_many: bool
) -> None:
    assert is_doubtful(missing, users, percent) is too_many


@pytest.mark.parametrize(
    ("here", "disabled", "events"),
    [
        (user("e1"), False, []),
        (user("e1", disabled=True), False, []),  # an operator did it
        (user("e1"), True, [LdapUserSwitched("u-e1", True), UserSwitched("u-e1", True)]),
        (user("e1", disabled=True), True, [LdapUserSwitched("u-e1", True)]),
        (user("e1", disabled=True, there=True), True, []),
        (user("e1", there=True), True, []),  # an operator enabled the user again
        (user("e1", disabled=True, there=True), False, [LdapUserSwitched("u-e1", False), UserSwitched("u-e1", False)]),
        (user("e1", disabled=True, missing_since=1), False, [LdapUserBack("u-e1"), UserSwitched("u-e1", False)]),
        (user("e1", disabled=True, missing_since=1), True, [LdapUserBack("u-e1"), LdapUserSwitched("u-e1", True)]),
        (user("e1", missing_since=1), False, [LdapUserBack("u-e1")]),
    ],
)
def test_who_is_disabled_and_enabled_again(here: LinkedUser, disabled: bool, events: list[Event]) -> None:
    assert switches(here, LdapPerson("e1", "ann", disabled=disabled)) == events


def test_another_password_there_ends_log_ins() -> None:
    here = user("e1")
    first, second = (LdapPerson("e1", "ann", password_time=time) for time in ("1", "2"))
    assert switches(here, first) == [LdapPasswordChanged("u-e1", "1")]
    known = msgspec.structs.replace(here, password_time="1")
    assert switches(known, first) == switches(known, LdapPerson("e1", "ann")) == []
    ended = [LdapPasswordChanged("u-e1", "2"), UserPasswordChanged("u-e1", credential("e1"))]
    assert switches(known, second) == ended


def test_disabled_people_are_counted_once() -> None:
    people = [LdapPerson("e1", "ann", disabled=True), LdapPerson("e2", "bob", disabled=True)]
    assert changes(people, [user("e1"), user("e2", disabled=True, there=True)], NOW, 7).disabled_there == 1


@pytest.mark.parametrize(
    ("text", "language"), [("", ""), ("*", ""), ("de", "de"), ("pt-BR, en;q=0.5", "pt-BR"), ("en;q=0.9", "en")]
)
def test_the_first_language_counts(text: str, language: str) -> None:
    assert preferred_language(text) == language


def test_the_credential_names_the_person() -> None:
    assert entry_of(credential("0f7f6b1e-7a57")) == "0f7f6b1e-7a57"
    assert entry_of("$argon2id$v=19$m=19456") == ""
    assert entry_of("") == ""

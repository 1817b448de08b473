"""What the roles permit."""

from __future__ import annotations

import pytest

from services.directory.domain.rights import Rights, Touched, UserRole, UserTouched, give_role, is_subject, refusal
from services.directory.domain.state import DirectoryRefused

ADMIN = Rights("u1", UserRole.ADMIN)
OF_A = Rights("u2", UserRole.DOMAIN_ADMIN, frozenset({"a"}))
ANN = Rights("u3")


def user(*domains: str, role: UserRole = UserRole.USER, added_by: str = "") -> UserTouched:
    return UserTouched("u9", role, frozenset(domains), added_by)


@pytest.mark.parametrize(
    ("touched", "allowed"),
    [
        (Touched(), {ADMIN}),
        (Touched(anybody=True), {ADMIN, OF_A, ANN}),
        (Touched(any_admin=True), {ADMIN, OF_A}),
        (Touched(frozenset({"a"})), {ADMIN, OF_A}),
        (Touched(frozenset({"b"})), {ADMIN}),
        (Touched(frozenset({"a", "b"})), {ADMIN}),
        (Touched(frozenset({""})), {ADMIN}),
        (Touched(frozenset({"b"}), owner="u3"), {ADMIN, ANN}),
        (Touched(users=(user("a"),)), {ADMIN, OF_A}),
        (Touched(users=(user("a"),), owner="u3"), {ADMIN, OF_A, ANN}),
        (Touched(frozenset({"a"}), (user("b"),)), {ADMIN}),
        (Touched(frozenset({"a"}), (user(added_by="u2"),)), {ADMIN, OF_A}),
    ],
)
def test_who_may_do_it(touched: Touched, allowed: set[Rights]) -> None:
    assert {rights for rights in (ADMIN, OF_A, ANN) if not refusal(rights, touched)} == allowed


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (user("a"), True),
        (user("a", "b"), False),
        (user("b"), False),
        (user(), False),
        (user(added_by="u2"), True),
        (user(added_by="u1"), False),
        (user("b", added_by="u2"), False),
        (user("a", role=UserRole.DOMAIN_ADMIN), False),
        (user("a", role=UserRole.ADMIN), False),
    ],
)
def test_a_domain_admin_changes_only_users_whom_nobody_else_administers(subject: UserTouched, expected: bool) -> None:
    assert is_subject(OF_A, subject) is expected


def test_a_role_is_given_once() -> None:
    (event,) = give_role(ANN, "domain-admin", ("b", "a", "b"))
    assert (event.user, event.role, event.domains) == ("u3", "domain-admin", ("a", "b"))
    assert give_role(OF_A, "domain-admin", ("a",)) == []
    assert give_role(OF_A, "user", ())[0].role == "user"


@pytest.mark.parametrize(
    ("role", "domains", "text"),
    [
        ("god", (), "is not a role"),
        ("domain-admin", (), "at least one domain"),
        ("admin", ("a",), "only a domain admin"),
        ("domain-admin", tuple(map(str, range(1001))), "at most 1000"),
    ],
)
def test_what_is_no_role_is_refused(role: str, domains: tuple[str, ...], text: str) -> None:
    with pytest.raises(DirectoryRefused, match=text):
        give_role(ANN, role, domains)

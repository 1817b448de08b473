"""Decisions on aliases: events, nothing, or a refusal."""

from __future__ import annotations

import msgspec
import pytest

from services.directory.domain import aliases
from services.directory.domain.aliases import AliasContext, AliasRequest
from services.directory.domain.names import alias_address
from services.directory.domain.state import AliasState, DirectoryRefused
from shared.events.directory import (
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasOwnersChanged,
    AliasSwitched,
    AliasTargetsChanged,
)
from shared.protocol.address.address import Address

INFO = Address("info", "example.org")
ANN = Address("ann", "example.org")
BOB = Address("bob", "example.org")
NOW = 1_000
STATE = AliasState("info@example.org", ("ann@example.org",), False)


def context(*, known: bool = True, loops: bool = False) -> AliasContext:
    return AliasContext(NOW, lambda _target: known, lambda _alias: loops)


def add(request: AliasRequest, address: Address = INFO, patterns: int = 0, **how: bool) -> object:
    return aliases.add_alias("", True, patterns, address, request, context(**how))


def test_an_alias_with_an_end_and_owners() -> None:
    assert add(AliasRequest((ANN,), ("u1",), 2_000)) == [
        AliasAdded("info@example.org", ("ann@example.org",)),
        AliasEndChanged("info@example.org", 2_000),
        AliasOwnersChanged("info@example.org", ("u1",)),
    ]


@pytest.mark.parametrize(
    ("request_", "how", "reason"),
    [
        (AliasRequest((ANN,)), {"known": False}, "missing"),
        (AliasRequest((ANN,)), {"loops": True}, "invalid"),
        (AliasRequest((ANN,), ends_at=NOW), {}, "invalid"),
        (AliasRequest((ANN,), owners=tuple(f"u{number}" for number in range(1_001))), {}, "invalid"),
    ],
)
def test_what_an_alias_cannot_be(request_: AliasRequest, how: dict[str, bool], reason: str) -> None:
    with pytest.raises(DirectoryRefused) as refused:
        add(request_, **how)
    assert refused.value.reason == reason


def test_the_holder_of_an_address_is_named() -> None:
    with pytest.raises(DirectoryRefused, match="it is an account") as refused:
        aliases.add_alias("it is an account", True, 0, INFO, AliasRequest((ANN,)), context())
    assert refused.value.reason == "taken"


def test_a_wildcard_has_no_owners_and_a_domain_not_too_many_of_them() -> None:
    sales = alias_address("Sales-*@example.org")
    assert add(AliasRequest((ANN,)), sales) == [AliasAdded("sales-*@example.org", ("ann@example.org",))]
    with pytest.raises(DirectoryRefused, match="no owners"):
        add(AliasRequest((ANN,), ("u1",)), sales)
    with pytest.raises(DirectoryRefused, match="at most 1000"):
        add(AliasRequest((ANN,)), sales, 1_000)
    assert add(AliasRequest((ANN,)), INFO, 1_000)


def test_what_changes_is_an_event_and_what_stays_is_none() -> None:
    def change(state: AliasState, request: AliasRequest) -> object:
        return aliases.change_alias(state, request, context())

    assert change(STATE, AliasRequest((ANN,), (), 0, False)) == []
    assert change(STATE, AliasRequest(disabled=True)) == [AliasSwitched("info@example.org", True)]
    assert change(STATE, AliasRequest((BOB,))) == [AliasTargetsChanged("info@example.org", ("bob@example.org",))]
    assert change(STATE, AliasRequest(ends_at=3_000)) == [AliasEndChanged("info@example.org", 3_000)]
    assert change(STATE, AliasRequest(owners=("u2",))) == [AliasOwnersChanged("info@example.org", ("u2",))]
    with pytest.raises(DirectoryRefused, match="future"):
        change(STATE, AliasRequest(ends_at=5))
    with pytest.raises(DirectoryRefused, match="itself"):
        aliases.change_alias(STATE, AliasRequest((BOB,)), context(loops=True))


def test_an_ended_alias_is_in_use_again_with_another_end_or_none() -> None:
    ended = msgspec.structs.replace(STATE, ends_at=500, ended=True)
    assert aliases.change_alias(ended, AliasRequest(ends_at=0), context()) == [AliasEndChanged("info@example.org", 0)]


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (msgspec.structs.replace(STATE, ends_at=NOW), True),
        (msgspec.structs.replace(STATE, ends_at=NOW + 1), False),
        (msgspec.structs.replace(STATE, ends_at=NOW, ended=True), False),
        (STATE, False),
        (None, False),
    ],
)
def test_an_alias_ends_once_and_at_its_time(state: AliasState | None, ends: bool) -> None:
    assert aliases.end_alias(state, NOW) == ([AliasEnded("info@example.org")] if ends else [])

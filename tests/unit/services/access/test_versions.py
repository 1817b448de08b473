"""Which idle sessions look again when rights have changed."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from services.access.session import versions as versions_module
from services.access.session.versions import Versions


@pytest.fixture
async def woken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Versions, and the names of the sessions that were woken: two of each account, and one of NOTIFY."""
    monkeypatch.setattr(versions_module, "_RIGHTS_SECONDS", 0.02)
    versions = Versions(AsyncMock(), AsyncMock(), 60.0)
    names: list[str] = []
    for account in ("a-ann", "a-bob"):
        watch = await versions.watch(account)
        for number in (1, 2):
            watch.idle.add(Mock(side_effect=lambda name=f"{account}-{number}": names.append(name)))
    versions.sharing.add(lambda: names.append("notify"))
    return versions, names


async def test_only_who_has_a_mailbox_of_the_owner_or_notify_looks_again(woken: Any) -> None:
    versions, names = woken
    versions._on_rights("", b"a-bob")
    assert sorted(names) == ["a-bob-1", "a-bob-2", "notify"]


async def test_all_look_again_when_any_owner_may_be_concerned(woken: Any) -> None:
    versions, names = woken
    versions._on_rights("", b"")
    assert len(names) == 5


async def test_changes_without_end_are_one_look_at_a_time(woken: Any) -> None:
    versions, names = woken
    for _ in range(100):
        versions._on_rights("", b"a-bob")
    assert names.count("notify") == versions.rights == 1
    versions._look_at_rights()
    assert names.count("notify") == versions.rights == 2
    versions._look_at_rights()
    assert names.count("a-bob-1") == 2

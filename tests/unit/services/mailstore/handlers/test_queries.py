"""A reply that needs several statements belongs to one version, even when others commit in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.mailstore.handlers.queries import in_single_version


class Versions:
    """A reader that sees these versions, one after the other."""

    def __init__(self, *versions: int) -> None:
        self._versions = list(versions)

    def first_row(self, _sql: str, _parameters: Sequence[Any] = ()) -> tuple[int]:
        return (self._versions.pop(0) if len(self._versions) > 1 else self._versions[0],)

    def all(self, _sql: str, _parameters: Sequence[Any] = ()) -> list[Any]:
        raise AssertionError("nothing else is asked")


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        ((5, 5), [5]),
        ((5, 6, 6), [5, 6]),
        ((5, 6, 8, 8), [5, 6, 8]),
        ((5, 6, 7, 8, 9), [5, 6, 7]),
    ],
)
def test_it_is_asked_again_while_somebody_commits_in_between(seen: tuple[int, ...], asked: list[int]) -> None:
    result: list[int] = []
    assert in_single_version(Versions(*seen), "a1", lambda version: result.append(version) or version) == asked[-1]
    assert result == asked

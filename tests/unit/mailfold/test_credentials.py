"""Secrets are made once, and only their owner reads them."""

from __future__ import annotations

from pathlib import Path

from mailfold.launcher.credentials import ensure_credentials, read_credentials
from shared.places import Places


def test_secrets_stay_and_missing_ones_are_made(tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    places.make()
    assert read_credentials(places) == {}
    ensure_credentials(places, ["a", "b"])
    first = read_credentials(places)
    ensure_credentials(places, ["a", "b", "c"])
    second = read_credentials(places)
    assert second.keys() == {"a", "b", "c"}
    assert {name: second[name] for name in first} == first
    assert len(set(second.values())) == 3
    assert places.credentials.stat().st_mode & 0o777 == 0o600

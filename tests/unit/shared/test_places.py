"""The paths of files and sockets, also below a folder with a long name."""

from __future__ import annotations

import shutil
import socket
import stat
from pathlib import Path

import pytest

from shared.places import Places

SERVICES = (
    "ingress",
    "classifier",
    "delivery",
    "mailstore",
    "access",
    "outbound",
    "indexer",
    "eventlog",
    "directory",
    "console",
)
DEEP = Path("/", *["x" * 50] * 4)


def test_sockets_lie_below_the_data_folder_where_that_fits(tmp_path: Path) -> None:
    assert Places(Path("/data")).socket("ingress") == "unix:/data/run/ingress/rpc.sock"


@pytest.mark.parametrize("length", range(60, 110))
def test_a_socket_path_always_fits(length: int) -> None:
    places = Places(Path("/" + "x" * length))
    for service in SERVICES:
        assert len(places.socket(service).removeprefix("unix:").encode()) <= 107


def test_installations_with_long_paths_do_not_share_sockets() -> None:
    entry, other = Places(DEEP / "one"), Places(DEEP / "other")
    assert entry.sockets != other.sockets
    assert entry.sockets == Places(DEEP / "one").sockets


def test_long_names_in_other_languages_fit_too() -> None:
    places = Places(Path("/" + "ü" * 70))
    assert len(places.socket("classifier").removeprefix("unix:").encode()) <= 107


def test_folders_are_their_owners_alone(tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    places.make()
    places.make()
    for folder in (
        places.data,
        places.run,
        places.secrets,
        places.blobs,
        places.tls,
        places.log,
        places.nats,
        places.sockets,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_someone_else_made_is_not_used(tmp_path: Path) -> None:
    places = Places(tmp_path / ("z" * 100))
    places.sockets.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        places.make()
    places.sockets.unlink()


def test_a_socket_can_be_bound_below_a_long_path(tmp_path: Path) -> None:
    places = Places(tmp_path / ("y" * 100))
    places.make()
    path = places.socket("mailstore").removeprefix("unix:")
    Path(path).parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
    shutil.rmtree(places.sockets)


def test_the_same_folder_by_another_name_is_the_same_installation(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert Places(tmp_path / "link").socket("ingress") == Places(tmp_path / "data").socket("ingress")


def test_containers_keep_settings_and_the_tokens_of_the_operator_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILFOLD_SETTINGS_FILE", "/etc/mailfold/mailfold.toml")
    monkeypatch.setenv("MAILFOLD_OPERATOR_FILE", "/run/mailfold/operator/operator.json")
    places = Places(tmp_path)
    assert (str(places.settings_file), str(places.operator)) == (
        "/etc/mailfold/mailfold.toml",
        "/run/mailfold/operator/operator.json",
    )

"""Which user root becomes, and which data folders it gives to that user: new ones, and ones that nobody has used."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailfold.launcher.ownership import give_folder, server_identity
from mailfold.operator import identity
from mailfold.operator.identity import CannotBecome, Identity, acting_as, check_readable, owner_of, user_named

OTHER = Identity("64123", 64123, 64123, "/")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that does not exist yet; every user may enter its parent."""
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "data"


def owners(data: Path) -> set[int]:
    return {path.lstat().st_uid for path in (data, *data.rglob("*"))}


def test_users_are_known_by_name_and_by_number() -> None:
    assert user_named("root") == user_named("0") == Identity("root", 0, 0, user_named("root").home)
    assert user_named("64123") == OTHER
    with pytest.raises(CannotBecome, match=r"no user nosuch on this machine.*useradd"):
        user_named("nosuch")


@root
def test_root_becomes_the_user_of_the_settings_else_the_owner_of_the_folder(tmp_path: Path) -> None:
    assert server_identity("64123", tmp_path / "none") == OTHER
    assert server_identity("", tmp_path / "none") is None
    assert server_identity("", tmp_path) is None
    assert server_identity("root", tmp_path) is None
    os.chown(tmp_path, 64123, 64123)
    assert server_identity("", tmp_path) == OTHER
    assert server_identity("root", tmp_path) is None


def test_who_is_not_root_stays_who_he_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 64123)
    assert server_identity("", tmp_path) is None
    assert server_identity("64123", tmp_path) is None
    with pytest.raises(CannotBecome, match="only root can become another user"):
        server_identity("64124", tmp_path)


@root
def test_a_new_folder_is_the_users(folder: Path) -> None:
    give_folder(folder, OTHER)
    assert (folder.stat().st_uid, folder.stat().st_gid, folder.stat().st_mode & 0o777) == (64123, 64123, 0o700)
    give_folder(folder, OTHER)


@root
def test_an_unused_folder_of_root_is_given_with_its_settings(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    (folder / "lost+found").mkdir()
    (folder / "mailfold.toml").write_text("")
    give_folder(folder, OTHER)
    assert (folder.stat().st_uid, (folder / "mailfold.toml").stat().st_uid) == (64123, 64123)
    assert (folder / "lost+found").stat().st_uid == 0


@root
@pytest.mark.parametrize("kind", ["symlink", "hard link"])
def test_settings_that_may_be_another_file_are_not_given(folder: Path, kind: str) -> None:
    folder.mkdir()
    another = folder.parent / "another"
    another.write_text("")
    if kind == "symlink":
        (folder / "mailfold.toml").symlink_to(another)
    else:
        (folder / "mailfold.toml").hardlink_to(another)
    give_folder(folder, OTHER)
    assert (folder.stat().st_uid, another.stat().st_uid) == (64123, 0)


@root
def test_a_folder_in_use_is_not_given(folder: Path) -> None:
    (folder / "store").mkdir(parents=True)
    with pytest.raises(CannotBecome, match=r"belongs to root and the server is to run as 64123.*chown -R 64123"):
        give_folder(folder, OTHER)
    assert owners(folder) == {0}


@root
def test_a_folder_of_a_third_user_is_not_given_though_it_is_empty(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 64124, 64124)
    with pytest.raises(CannotBecome, match="belongs to 64124"):
        give_folder(folder, OTHER)
    assert owners(folder) == {64124}


@root
def test_what_root_makes_as_another_is_the_others(folder: Path) -> None:
    give_folder(folder, OTHER)
    with acting_as(OTHER):
        (folder / "file").write_text("")
    (folder / "of root").write_text("")
    assert owner_of(folder / "file") == OTHER
    assert (folder / "of root").stat().st_uid == 0
    assert owner_of(folder / "none") is None


@root
def test_python_that_the_user_cannot_read_is_said_before_anything_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = folder.parent / "module.py"
    secret.write_text("")
    secret.chmod(0o600)
    monkeypatch.setattr(identity, "__file__", str(secret))
    monkeypatch.setattr(os, "__file__", str(secret))
    with (
        acting_as(OTHER),
        pytest.raises(CannotBecome, match=f"64123 cannot read {secret}.*install Python and Mailfold"),
    ):
        check_readable(OTHER)

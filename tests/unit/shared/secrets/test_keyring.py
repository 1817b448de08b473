"""Secrets at rest: what is sealed opens again, where it belongs and with its key alone."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from shared.places import Places
from shared.secrets import SecretDamaged, SecretKeyMissing, SecretsError
from shared.secrets.keyring import VARIABLE, Keyring
from shared.secrets.sealed import LONGEST_SEALED, SecretKey, key_id_of, read_key

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_value_opens_where_it_belongs_and_nowhere_else(places: Places) -> None:
    keyring = Keyring(places, {})
    sealed = keyring.seal(b"p\x00ssword", "relay of a")
    assert Keyring(places, {}).open(sealed, "relay of a").reveal() == b"p\x00ssword"
    with pytest.raises(SecretDamaged, match="relay of b"):
        keyring.open(sealed, "relay of b")


def test_the_key_file_is_made_at_the_first_value_and_is_private(places: Places) -> None:
    keyring = Keyring(places, {})
    assert keyring.ids() == () and not places.secrets_key.exists()
    sealed = keyring.seal(b"x", "y")
    assert stat.S_IMODE(places.secrets_key.stat().st_mode) == 0o600
    assert keyring.ids() == (key_id_of(sealed),)
    assert Keyring(places, {}).seal(b"x", "y") != sealed
    assert Keyring(places, {}).ids() == keyring.ids()


def test_two_values_never_share_a_nonce(places: Places) -> None:
    keyring = Keyring(places, {})
    assert len({keyring.seal(b"same", "same") for _ in range(50)}) == 50


def test_every_changed_octet_is_noticed(places: Places) -> None:
    keyring = Keyring(places, {})
    sealed = keyring.seal(b"secret", "owner")
    head, _, body = sealed.rpartition(":")
    octets = base64.b64decode(body)
    for at in range(len(octets)):
        changed = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
        with pytest.raises(SecretDamaged):
            keyring.open(f"{head}:{base64.b64encode(changed).decode()}", "owner")


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "x",
        "aesgcm1:0123:AAAA",
        "aesgcm2:01234567:AAAA",
        "aesgcm1:01234567:AAAA\n",
        "aesgcm1:01234567:A" * 9999,
        "aesgcm1:01234567:" + "A" * LONGEST_SEALED,
    ],
)
def test_what_is_no_sealed_value_is_refused(places: Places, sealed: str) -> None:
    with pytest.raises(SecretDamaged):
        Keyring(places, {}).open(sealed, "owner")


@pytest.mark.parametrize("body", ["AAA", "AAAA", "AAAAAAAAAAAAAAAA"])
def test_a_value_without_room_for_its_tag_is_damaged(places: Places, body: str) -> None:
    keyring = Keyring(places, {VARIABLE: text(OLD)})
    with pytest.raises(SecretDamaged):
        keyring.open(f"aesgcm1:{SecretKey(OLD).id}:{body}", "owner")


def test_a_lost_key_is_named(places: Places) -> None:
    keyring = Keyring(places, {})
    sealed = keyring.seal(b"x", "relay of a")
    places.secrets_key.unlink()
    with pytest.raises(SecretKeyMissing, match=key_id_of(sealed)):
        Keyring(places, {}).open(sealed, "relay of a")


def test_a_new_key_seals_and_the_old_one_still_opens(places: Places) -> None:
    keyring, other = Keyring(places, {}), Keyring(places, {})
    old = keyring.seal(b"old", "owner")
    assert other.open(old, "owner").reveal() == b"old"
    added = keyring.add_key()
    new = keyring.seal(b"new", "owner")
    assert key_id_of(new) == added != key_id_of(old)
    assert keyring.ids() == (added, key_id_of(old))
    assert other.open(new, "owner").reveal() == b"new"  # a process that read the file before
    assert keyring.drop_keys([key_id_of(old), "ffffffff"]) == (key_id_of(old),)
    with pytest.raises(SecretKeyMissing):
        keyring.open(old, "owner")
    assert keyring.open(new, "owner").reveal() == b"new"


def test_keys_come_from_the_environment_and_no_file_is_made(places: Places) -> None:
    keyring = Keyring(places, {VARIABLE: f"{text(NEW)}, {OLD.hex()}"})
    assert keyring.ids() == (SecretKey(NEW).id, SecretKey(OLD).id)
    sealed = keyring.seal(b"x", "owner")
    assert not places.secrets_key.exists() and key_id_of(sealed) == SecretKey(NEW).id
    with pytest.raises(SecretsError, match=VARIABLE):
        keyring.add_key()


def test_the_environment_seals_and_the_file_still_opens(places: Places) -> None:
    old = Keyring(places, {}).seal(b"x", "owner")
    keyring = Keyring(places, {VARIABLE: text(NEW)})
    assert keyring.open(old, "owner").reveal() == b"x"
    assert key_id_of(keyring.seal(b"x", "owner")) == SecretKey(NEW).id


@pytest.mark.parametrize("line", ["short", "!" * 44, text(OLD)[:-4], "ä" * 44, "00" * 31])
def test_a_key_that_is_none_is_refused_and_not_shown(places: Places, line: str) -> None:
    places.make()
    places.secrets_key.write_text(f"# keys\n{text(OLD)}\n{line}\n")
    with pytest.raises(SecretsError) as refused:
        Keyring(places, {}).ids()
    assert "key 2 of" in str(refused.value) and line not in str(refused.value)
    assert Keyring(places, {}).trouble() == str(refused.value)


def test_a_file_of_any_size_is_not_read_whole(places: Places) -> None:
    places.make()
    places.secrets_key.write_bytes(b"#" * 70_000)
    with pytest.raises(SecretsError, match="too large"):
        Keyring(places, {}).ids()
    places.secrets_key.write_text("\n".join(text(bytes([number]) * 32) for number in range(33)))
    with pytest.raises(SecretsError, match="more than 32"):
        Keyring(places, {}).ids()


def test_keys_are_bounded(places: Places) -> None:
    keyring = Keyring(places, {})
    for _ in range(32):
        keyring.add_key()
    with pytest.raises(SecretsError, match="drop"):
        keyring.add_key()


def test_a_file_that_others_may_read_is_reported(places: Places) -> None:
    keyring = Keyring(places, {})
    keyring.seal(b"x", "owner")
    assert keyring.trouble() == ""
    places.secrets_key.chmod(0o640)
    assert "chmod 600" in keyring.trouble()


def test_a_folder_in_place_of_the_file_is_an_error_of_ours(places: Places) -> None:
    places.make()
    places.secrets_key.mkdir()
    with pytest.raises(SecretsError, match=r"secrets\.key"):
        Keyring(places, {}).seal(b"x", "owner")


def test_nothing_shows_a_secret(places: Places) -> None:
    keyring = Keyring(places, {VARIABLE: text(OLD)})
    value = keyring.open(keyring.seal(b"hunter2", "owner"), "owner")
    shown = f"{value!r} {value} {keyring!r} {read_key(text(OLD))!r}"
    assert "hunter2" not in shown and text(OLD) not in shown and "********" in shown

"""Passwords and tokens of containers are made once, each for those who need it."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from mailfold.containers.host_check import check_host
from mailfold.containers.key_files import Surroundings, credentials_file, make_key_files
from mailfold.layouts import START_ORDER
from mailfold.operator.failure import CommandFailed
from shared.grpc.credentials import CallTokens, caller_of
from shared.grpc.policy import OPERATOR, may_reach

AROUND = Surroundings()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    make_key_files(folder, AROUND)
    return folder


def part(keys: Path, service: str) -> CallTokens:
    return msgspec.json.decode(credentials_file(keys, service).read_bytes(), type=CallTokens)


def contents(keys: Path) -> dict[str, bytes]:
    return {str(file.relative_to(keys)): file.read_bytes() for file in keys.rglob("*") if file.is_file()}


@pytest.mark.parametrize("called", START_ORDER)
def test_a_service_accepts_the_tokens_of_those_who_may_call_it(keys: Path, called: str) -> None:
    accepted = part(keys, called).accepted[called]
    callers = {caller for caller in START_ORDER if caller != called and may_reach(caller, called)}
    assert accepted.keys() == {*callers, OPERATOR}
    for caller in callers:
        assert caller_of(f"{caller}:{part(keys, caller).token(caller, called)}", accepted) == caller
    operator = msgspec.json.decode((keys / "operator" / "operator.json").read_bytes(), type=dict[str, str])
    assert caller_of(f"{OPERATOR}:{operator[called]}", accepted) == OPERATOR


def test_a_repetition_writes_nothing(keys: Path) -> None:
    before = contents(keys)
    assert make_key_files(keys, AROUND) == []
    assert contents(keys) == before


@pytest.mark.parametrize("lost", ["ingress/credentials.json", "directory/credentials.json", "operator/operator.json"])
def test_what_is_lost_is_made_again_and_fits_the_rest(keys: Path, lost: str) -> None:
    before = contents(keys)
    (keys / lost).unlink()
    assert keys / lost in make_key_files(keys, AROUND)
    assert all(content == contents(keys)[name] for name, content in before.items() if name.startswith(("bus", "store")))
    for service in START_ORDER:
        test_a_service_accepts_the_tokens_of_those_who_may_call_it(keys, service)


def test_a_damaged_file_is_made_again(keys: Path) -> None:
    credentials_file(keys, "access").write_bytes(b"{")
    assert credentials_file(keys, "access") in make_key_files(keys, AROUND)
    test_a_service_accepts_the_tokens_of_those_who_may_call_it(keys, "directory")


def test_tokens_can_be_made_anew_and_passwords_stay(keys: Path) -> None:
    before = contents(keys)
    make_key_files(keys, AROUND, renew_tokens=True)
    after = contents(keys)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"operator/operator.json", *(f"{service}/credentials.json" for service in START_ORDER)}


def test_files_are_private_except_for_that_of_another_user(keys: Path) -> None:
    modes = {
        str(file.relative_to(keys)): stat.S_IMODE(file.stat().st_mode) for file in keys.rglob("*") if file.is_file()
    }
    assert modes.pop("postgres/password") == 0o444
    assert set(modes.values()) == {0o600}


def test_the_servers_beside_get_the_same_passwords(keys: Path) -> None:
    database = (keys / "postgres" / "password").read_text("ascii")
    assert (keys / "store" / "url").read_text("ascii") == f"postgresql://mailfold:{database}@postgres:5432/mailfold"
    bus = (keys / "bus" / "password").read_text("ascii")
    assert f'password: "{bus}"' in (keys / "nats" / "nats.conf").read_text("utf-8")


def test_the_host_is_checked_for_opensearch(tmp_path: Path) -> None:
    setting = tmp_path / "max_map_count"
    setting.write_text("65530\n", "ascii")
    with pytest.raises(CommandFailed, match=r"vm\.max_map_count is 65530 .* sysctl -w vm\.max_map_count=262144"):
        check_host(setting)
    setting.write_text("262144\n", "ascii")
    assert check_host(setting) == 262_144
    setting.write_text("unknown", "ascii")
    with pytest.raises(CommandFailed, match="cannot be read"):
        check_host(setting)

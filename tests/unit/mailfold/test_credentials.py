"""Services get a token for each pair, which is on no disk; the operator's tokens are made once, in a private file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailfold.launcher.credentials import make_parts, operator_tokens, parts_of
from mailfold.layouts import LAYOUTS, START_ORDER, LayoutName
from mailfold.operator.running import read_tokens
from shared.grpc.credentials import CallTokens, caller_of, digest
from shared.grpc.errors import Unauthenticated
from shared.grpc.policy import OPERATOR, may_reach
from shared.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "data")
    made.make()
    return made


@pytest.fixture
def token() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"token {next(numbers)}"


def test_tokens_of_the_operator_stay_and_missing_ones_are_made(places: Places, token: Callable[[], str]) -> None:
    assert read_tokens(places) == {}
    first = operator_tokens(places, ["a", "b"], token)
    second = operator_tokens(places, ["a", "b", "c"], token)
    assert read_tokens(places) == second and second.keys() == {"a", "b", "c"}
    assert {name: second[name] for name in first} == first
    assert len(set(second.values())) == 3
    assert places.operator.stat().st_mode & 0o777 == 0o600


def test_the_file_of_older_releases_goes(places: Places, token: Callable[[], str]) -> None:
    """Every process could read the secrets of all services in it."""
    old = places.secrets / "credentials.json"
    old.write_text('{"access": "secret", "operator": "secret"}')
    operator_tokens(places, START_ORDER, token)
    assert not old.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_replaced(places: Places, token: Callable[[], str]) -> None:
    operator_tokens(places, ["a"], token)
    os.chown(places.operator, 65534, 65534)
    assert operator_tokens(places, ["a"], token) == {"a": "token 1"}
    assert places.operator.stat().st_uid == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_process_has_tokens_for_what_its_services_may_call_and_no_others(
    layout: LayoutName, token: Callable[[], str]
) -> None:
    processes = LAYOUTS[layout]
    parts = parts_of(processes, dict.fromkeys(START_ORDER, "operator's"), token)
    homes = {service: process for process, services in processes.items() for service in services}
    for process, part in parts.items():
        assert part.tokens.keys() == part.accepted.keys() == set(processes[process])
        for caller, tokens in part.tokens.items():
            assert tokens.keys() == {home for home in homes if homes[home] != process and may_reach(caller, home)}
            for service, shown in tokens.items():
                assert caller_of(f"{caller}:{shown}", parts[homes[service]].accepted[service]) == caller


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_process_has_and_is_shown_is_of_no_use_as_another(layout: LayoutName, token: Callable[[], str]) -> None:
    """Neither a process's own tokens nor those that others show to it are accepted from another caller or elsewhere."""
    parts = parts_of(LAYOUTS[layout], dict.fromkeys(START_ORDER, "operator's"), token)
    for process, part in parts.items():
        mine = {shown for tokens in part.tokens.values() for shown in tokens.values()}
        shown_to_me = {
            shown
            for other in parts.values()
            for tokens in other.tokens.values()
            for service, shown in tokens.items()
            if service in part.accepted
        }
        for service, accepted in _accepted_elsewhere(parts, process):
            for caller, kept in accepted.items():
                if caller not in part.tokens:
                    assert kept not in {digest(shown) for shown in mine | shown_to_me}, (process, caller, service)


def _accepted_elsewhere(parts: dict[str, CallTokens], process: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (service, dict(accepted))
        for name, part in parts.items()
        if name != process
        for service, accepted in part.accepted.items()
    ]


def test_a_wrong_or_missing_credential_is_refused() -> None:
    accepted = {"access": digest("right")}
    assert caller_of("access:right", accepted) == "access"
    for shown in ("", "access", "access:", "access:wrong", "nobody:right", ":right", f"access:{digest('right')}"):
        with pytest.raises(Unauthenticated):
            caller_of(shown, accepted)


def test_parts_are_read_in_their_process_and_are_on_no_disk(places: Places) -> None:
    parts = make_parts(places, LAYOUTS["split"])
    files = set(parts._files.values())
    with pytest.raises(OSError):
        os.pwrite(min(files), b"x", 0)
    part = parts.take("access")
    assert part.tokens["access"].keys() == {"mailstore", "directory"}
    for file in files:
        with pytest.raises(OSError):
            os.fstat(file)
    written = b"".join(path.read_bytes() for path in places.data.rglob("*") if path.is_file())
    assert not any(token.encode() in written for token in part.tokens["access"].values())
    assert read_tokens(places).keys() == set(START_ORDER)
    assert {caller for accepted in part.accepted.values() for caller in accepted} >= {OPERATOR}

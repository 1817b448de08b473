"""The script and the message of `loadtest sieve`, and what it says about them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtest.command import main
from loadtest.figures import Report, SieveCost
from loadtest.sieve.rules import message, rules
from loadtest.sieve.table import lines
from shared.protocol.sieve.actions import FileIntoAction
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory

COST = SieveCost(
    rules=100,
    message_octets=20_000,
    rounds=3,
    compile_ms=10.0,
    run_ms=0.25,
    scan_ms=0.1,
    other_run_ms=0.5,
    other_further_run_ms=0.75,
)


def test_the_message_satisfies_the_last_rule_alone() -> None:
    source = rules(100)
    assert source.count(b"if ") == 100
    outcome = run_script(
        compile_script(source), message_in_memory(message(20_000)), SieveEnvelope("a@b.c", "b@c.d"), SieveEnvironment()
    )
    assert [action.mailbox for action in outcome.actions if isinstance(action, FileIntoAction)] == ["Numbers"]


@pytest.mark.parametrize("octets", [2_000, 20_000, 100_001])
def test_the_message_has_the_size(octets: int) -> None:
    assert len(message(octets)) == octets


def test_the_sentences_have_the_ratios() -> None:
    assert "2.0 x Mailfold's" in lines(COST)[-1] and "(3.0 x)" in lines(COST)[-1]
    alone = msgspec.structs.replace(COST, other_run_ms=None, other_further_run_ms=None)
    assert len(lines(alone)) == 2


def test_a_measurement_is_written_as_json(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    argv = ["sieve", "--rules", "5", "--octets", "2000", "--rounds", "1", "--runs", "2", "--quiet", "--json", str(path)]
    assert main(argv) == 0
    cost = msgspec.json.decode(path.read_bytes(), type=Report).sieve
    assert cost is not None and cost.rules == 5 and cost.run_ms > 0

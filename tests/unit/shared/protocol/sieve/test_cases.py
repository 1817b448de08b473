"""Every case of tests/cases/sieve: which tests are true, what scripts decide, and which errors they have."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript
from tests.unit.shared.protocol.sieve.cases import Case, all_cases, decide, described

CASES = all_cases()


def _tests(case: Case) -> list[tuple[str, bool]]:
    return [
        (line, result == "true")
        for result in ("true", "false")
        for line in case.sections.get(result, "").splitlines()
        if line.strip()
    ]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("case", [case for case in CASES if _tests(case)], ids=lambda case: case.name)
def test_tests_are_true_or_false(case: Case) -> None:
    require = case.sections.get("require", "")
    wrong = []
    for test, expected in _tests(case):
        outcome = decide(case, f"{require}\nif {test} {{ discard; }}")
        if outcome.failure is not None or outcome.is_discarded is not expected:
            wrong.append(f"{test}: {outcome.failure or outcome.is_discarded}")
    assert wrong == []


@pytest.mark.parametrize("case", [case for case in CASES if "do" in case.sections], ids=lambda case: case.name)
def test_scripts_decide(case: Case) -> None:
    outcome = decide(case, case.sections["script"])
    assert outcome.failure is None
    assert list(map(described, outcome.actions)) == _lines(case.sections["do"])


@pytest.mark.parametrize("case", [case for case in CASES if "failure" in case.sections], ids=lambda case: case.name)
def test_scripts_fail_at_run_time_and_keep(case: Case) -> None:
    outcome = decide(case, case.sections["script"])
    assert outcome.failure is not None
    assert case.sections["failure"].strip() in outcome.failure.text
    assert list(map(described, outcome.actions)) == ["keep implicit"]


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case.sections], ids=lambda case: case.name)
def test_scripts_have_errors(case: Case) -> None:
    with pytest.raises(InvalidScript) as caught:
        compile_script(case.sections["script"].encode())
    errors = [f"{note.place.line}:{note.place.column} {note.text}" for note in caught.value.errors]
    expected = _lines(case.sections["error"])
    assert len(errors) == len(expected), errors
    for error, line in zip(errors, expected, strict=True):
        place, _, text = line.partition(" ")
        assert error.startswith(f"{place} ") and text in error, errors

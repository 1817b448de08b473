"""Which tests run together in a worker, which begin first, and that workers never share a port."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.harness import ports
from tests.harness.groups import group_of, rank_of
from tests.harness.ports import WELL_KNOWN, free_offset, offset_of
from tests.harness.shown import PROPERTY, shown_by


def _report(when: Literal["call", "teardown"], *properties: tuple[str, object]) -> pytest.TestReport:
    return pytest.TestReport("test_it", ("file", 1, "test_it"), {}, "passed", None, when, user_properties=properties)


@pytest.mark.parametrize(
    ("node_id", "group"),
    [
        ("tests/unit/shared/test_ids.py::test_order[a::b]", "tests/unit/shared/test_ids.py"),
        ("tests/e2e/test_reading.py::test_search[split-postgres]", "tests/e2e/ split-postgres"),
        ("tests/e2e/test_checks.py::test_spf[small-sqlite-forged.example]", "tests/e2e/ small-sqlite"),
        ("tests/e2e/test_health.py::test_rest", "tests/e2e/test_health.py"),
        ("tests/integration/mailfold/test_up.py::test_up[small-sqlite]", "tests/integration/mailfold/test_up.py"),
        ("tests/chaos/test_no_loss.py::test_loss[small]", "tests/chaos/test_no_loss.py::test_loss[small]"),
    ],
)
def test_tests_that_share_a_server_run_together(node_id: str, group: str) -> None:
    assert group_of(node_id) == group


def test_the_longest_begin_first() -> None:
    groups = [
        "tests/unit/shared/test_ids.py",
        "tests/integration/bus/test_work.py",
        "tests/e2e/ small-sqlite",
        "tests/chaos/test_no_loss.py::test_loss[small]",
        "tests/architecture/test_words.py",
    ]
    assert sorted(groups, key=rank_of) == [groups[3], groups[2], groups[1], groups[0], groups[4]]


def test_no_two_offsets_share_a_port() -> None:
    used = [offset_of(number) + port for number in range(288) for port in WELL_KNOWN]
    assert len(used) == len(set(used))
    assert max(used) < 32768


def test_two_workers_never_take_the_same_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    taken = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        taken.append({free_offset() for _ in range(100)})
    assert taken[0].isdisjoint(taken[1])


def test_what_a_test_has_shown_is_in_the_report_of_its_end() -> None:
    entry = (PROPERTY, "\n5 mails\n")
    reports = [_report("call", entry), _report("teardown", entry, ("other", 1), (PROPERTY, "")), _report("teardown")]
    assert shown_by(reports) == [("test_it", "5 mails")]

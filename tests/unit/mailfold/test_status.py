"""How `mailfold status` combines the reports of the services."""

from __future__ import annotations

import pytest

from mailfold.commands.status import print_troubles
from mailfold.operator.report import Status, Trouble, _of_processes, _once
from mailfold.supervisor.report import Process, State

BUS = Trouble(("directory",), "core is cut off from the bus since 2026-01-01", "look at it")


def process(state: State, doing: str = "", last_exit: str = "") -> Process:
    return Process("core", ("directory",), state, 1, 1, 1, 1, last_exit, doing)


def test_what_several_services_of_a_process_say_is_said_once() -> None:
    again = Trouble(("mailstore",), BUS.what, BUS.advice)
    other = Trouble(("ingress",), "mail q1 is stuck", "trace it")
    assert list(_once([BUS, other, again])) == [Trouble(("directory", "mailstore"), BUS.what, BUS.advice), other]


def test_a_process_that_starts_or_was_ended_is_named() -> None:
    (starting,) = _of_processes([process(State.STARTING, "mailstore: computes tables anew, 5000 events so far")])
    assert "5000 events so far" in starting.what
    (ended,) = _of_processes([process(State.BACKOFF, last_exit="status 1")])
    assert "status 1" in ended.what and "core.log" in ended.advice
    assert list(_of_processes([process(State.RUNNING)])) == []


def test_people_read_who_what_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_troubles(Status(True, False, (), (), (), 0, (BUS,)))
    assert capsys.readouterr().out.splitlines() == ["", "not well:", f"  directory: {BUS.what}", "    look at it"]
    print_troubles(Status(True, True, (), (), (), 0))
    assert capsys.readouterr().out == ""

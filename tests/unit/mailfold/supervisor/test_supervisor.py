"""The supervisor with real, tiny processes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from mailfold.supervisor.report import Report, State, read_report
from tests.unit.mailfold.supervisor.driven import Driven, is_gone, wait_until_gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


def test_spawned_and_forked_children_run_and_are_stopped(tmp_path: Path) -> None:
    children = 'Child("a", SLEEP, services=("x", "y")), Child("b", Fork(forever))'
    with Driven(tmp_path, children) as driven:
        a, b = driven.running("a"), driven.running("b")
        assert (a.services, a.restarts, a.last_exit) == (("x", "y"), 0, "")
        assert a.started and a.since >= a.started
        report = read_report(tmp_path / "processes.json")
        assert report and report.alive and report.supervisor == driven.pid
        assert driven.end() == 0
        assert is_gone(a.pid) and is_gone(b.pid)
        assert not (tmp_path / "processes.json").exists()


def test_a_child_waits_for_what_it_depends_on_and_stops_before_it(tmp_path: Path) -> None:
    noting = 'trap "echo {0} >> {1}/order; exit 0" TERM; touch {1}/{0}.up; while :; do sleep 0.05; done'
    a, b = noting.format("a", tmp_path), noting.format("b", tmp_path)
    children = f"""Child("b", sh({b!r}), file_there("b.up"), depends=("a",)), Child("a", sh({a!r}), file_there("go"))"""
    with Driven(tmp_path, children) as driven:
        driven.wait(lambda: (tmp_path / "a.up").exists())
        waiting = driven.process("b")
        assert waiting and waiting.state is State.WAITING
        (tmp_path / "go").touch()
        driven.running("b")
        assert driven.end() == 0
        assert (tmp_path / "order").read_text().split() == ["b", "a"]


def test_a_renewal_restarts_the_services_in_order_and_nothing_else(tmp_path: Path) -> None:
    noting = 'echo up {0} >> {1}/order; trap "echo down {0} >> {1}/order; exit 0" TERM; while :; do sleep 0.05; done'
    a, b = noting.format("a", tmp_path), noting.format("b", tmp_path)
    children = f"""Child("bus", SLEEP), Child("b", sh({b!r}), depends=("a",), services=("y",)),
        Child("a", sh({a!r}), depends=("bus",), services=("x",))"""
    with Driven(tmp_path, children) as driven:
        before = [driven.running(name) for name in ("bus", "a", "b")]
        driven.wait(lambda: (tmp_path / "order").read_text().count("up") == 2)
        driven.signal(signal.SIGUSR1)
        driven.wait(lambda: (tmp_path / "order").read_text().count("up") == 4)
        after = [driven.running(name) for name in ("bus", "a", "b")]
        assert (tmp_path / "order").read_text().splitlines()[2:4] == ["down b", "down a"]
        assert [now.pid == old.pid for now, old in zip(after, before, strict=True)] == [True, False, False]
        assert [process.restarts for process in after] == [0, 0, 0]
        assert driven.end() == 0


def test_a_crashed_child_is_started_again(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", SLEEP)') as driven:
        first = driven.running("a")
        os.kill(first.pid, signal.SIGKILL)
        second = driven.wait_for("a", lambda entry: entry.state is State.RUNNING and entry.restarts == 1)
        assert second.pid != first.pid
        assert second.last_exit == "signal 9"


def test_a_forked_child_that_raises_leaves_its_traceback_and_is_started_again(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", Fork(broken))', before="def broken():\n    raise KeyError('of this')") as driven:
        process = driven.wait_for("a", lambda entry: entry.restarts >= 2)
        assert process.last_exit == "status 1"
        assert "KeyError: 'of this'" in (tmp_path / "a.log").read_text()


def test_an_unknown_program_is_no_reason_to_stop(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", Spawn(("/does/not/exist",))), Child("b", SLEEP)') as driven:
        driven.running("b")
        assert driven.wait_for("a", lambda entry: entry.restarts >= 1).last_exit == "status 127"


def test_a_child_that_is_never_ready_is_killed_and_started_again(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", SLEEP, file_there("never"), start_timeout=0.05)') as driven:
        process = driven.wait_for("a", lambda entry: entry.restarts >= 1)
        assert process.last_exit == "signal 9, after 0.05 s without progress: it said nothing"


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = 'trap "" TERM; touch up; while :; do sleep 0.05; done'
    with Driven(
        tmp_path, f'Child("a", sh("cd {tmp_path}; " + {stubborn!r}), file_there("up"), stop_timeout=0.1)'
    ) as driven:
        process = driven.running("a")
        assert driven.end() == 0
        assert is_gone(process.pid)


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    stubborn = 'trap "" TERM; touch up; while :; do sleep 0.05; done'
    with Driven(
        tmp_path, f'Child("a", sh("cd {tmp_path}; " + {stubborn!r}), file_there("up"), stop_timeout=1000)'
    ) as driven:
        driven.running("a")
        driven.signal(signal.SIGINT)
        driven.wait_for("a", lambda entry: entry.state is State.STOPPING)
        assert driven.end(signal.SIGINT) == 0


def test_what_a_child_has_started_goes_with_it(tmp_path: Path) -> None:
    with Driven(
        tmp_path, f'Child("a", sh("sleep 1000 & echo $! > {tmp_path}/pid; wait"), file_there("pid"))'
    ) as driven:
        process = driven.running("a")
        driven.wait(lambda: (tmp_path / "pid").read_text().endswith("\n"))
        grandchild = int((tmp_path / "pid").read_text())
        os.kill(process.pid, signal.SIGKILL)
        wait_until_gone(grandchild)


@linux
def test_a_killed_supervisor_leaves_no_orphans(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", SLEEP), Child("b", Fork(forever))') as driven:
        a, b = driven.running("a"), driven.running("b")
        driven.end(signal.SIGKILL)
        wait_until_gone(a.pid, b.pid)
        report = read_report(tmp_path / "processes.json")
        assert report and not report.alive


@linux
def test_a_forked_child_holds_nothing_of_the_supervisor(tmp_path: Path) -> None:
    before = 'def count():\n    print(len(os.listdir("/proc/self/fd")), flush=True)\n    forever()'
    with Driven(tmp_path, 'Child("a", SLEEP), Child("b", Fork(count), depends=("a",))', before=before) as driven:
        driven.running("b")
        log = tmp_path / "b.log"
        driven.wait(lambda: log.read_text().endswith("\n"))
        # Standard input, output and error, the two log files, and the listing itself.
        assert int(log.read_text()) <= 6


@linux
def test_a_supervisor_with_threads_does_not_fork(tmp_path: Path) -> None:
    before = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    with Driven(tmp_path, 'Child("a", Fork(forever))', before=before) as driven:
        assert "threads" in driven.wait_for("a", lambda entry: entry.state is State.BACKOFF).last_exit


def test_what_children_print_goes_to_their_logs(tmp_path: Path) -> None:
    with Driven(tmp_path, 'Child("a", sh("echo out; echo err >&2; exec sleep 1000"))') as driven:
        driven.wait(lambda: (tmp_path / "a.log").exists() and (tmp_path / "a.log").read_text() == "out\nerr\n")


def test_what_children_print_goes_to_the_terminal_behind_their_names(tmp_path: Path) -> None:
    with Driven(
        tmp_path, 'Child("a", sh("echo one; exec sleep 1000")), Child("long", SLEEP)', to_files=False
    ) as driven:
        driven.wait(lambda: "a    | one\n" in driven.printed)


def test_the_last_words_of_a_child_are_kept(tmp_path: Path) -> None:
    last = 'trap "echo bye; exit 0" TERM; touch up; while :; do sleep 0.05; done'
    with Driven(tmp_path, f'Child("a", sh("cd {tmp_path}; " + {last!r}), file_there("up"))') as driven:
        driven.running("a")
        driven.end()
        assert (tmp_path / "a.log").read_text() == "bye\n"


def test_no_report_and_a_broken_report_are_none(tmp_path: Path) -> None:
    file = tmp_path / "processes.json"
    assert read_report(file) is None
    file.write_text("{")
    assert read_report(file) is None


def test_a_report_of_this_process_is_alive() -> None:
    assert Report(os.getpid(), ()).alive

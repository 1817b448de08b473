"""Meters parse what Linux reports."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from loadtest.meter.cpu import used
from loadtest.meter.fsyncs import counted, running
from loadtest.meter.proc import ProcessIo, ProcessTimes, all_times, cpu_seconds_of, descendants, read_io, read_pss
from loadtest.meter.server_processes import ServerProcesses
from loadtest.meter.work import between, stored


def _process(proc: Path, pid: int, parent: int, name: str, ticks: str = "100 50 7 3", schedstat: int = 0) -> None:
    (proc / str(pid) / "task" / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 20 0 1 0 5")
    (proc / str(pid) / "task" / str(pid) / "schedstat").write_text(f"{schedstat} 5 9\n")
    (proc / str(pid) / "smaps_rollup").write_text(
        "55-7f ---p 0 00:00 0 [rollup]\nRss:  99 kB\nPss:  42 kB\nPss_Dirty: 7 kB\n"
    )


def test_a_name_may_hold_any_character(tmp_path: Path) -> None:
    _process(tmp_path, 7, 1, "od) S 3 (d")
    (tmp_path / "not-a-process").mkdir()
    assert all_times(tmp_path) == {7: ProcessTimes(1, "od) S 3 (d", 1.5, 0.1)}


def test_the_finer_clock_counts_unless_threads_have_ended(tmp_path: Path) -> None:
    _process(tmp_path, 7, 1, "fine", schedstat=1_507_000_000)
    _process(tmp_path, 8, 1, "threads ended", schedstat=3_000_000)
    times = all_times(tmp_path)
    assert cpu_seconds_of(7, times[7], tmp_path) == 1.607
    assert cpu_seconds_of(8, times[8], tmp_path) == 1.6


def test_memory_of_a_process_that_is_gone_is_nothing(tmp_path: Path) -> None:
    _process(tmp_path, 7, 1, "here")
    assert read_pss(7, tmp_path) == 42 * 1024
    assert read_pss(8, tmp_path) == 0


def test_descendants_end_even_in_a_circle() -> None:
    times = {pid: ProcessTimes(parent, "x", 0, 0) for pid, parent in {2: 1, 3: 2, 4: 3, 5: 1, 6: 7, 7: 6}.items()}
    assert descendants({2}, times) == {2, 3, 4}
    assert descendants({6}, times) == {6, 7}
    assert descendants({99}, times) == set()


def test_a_child_counts_for_the_service_it_runs_below() -> None:
    times = {
        10: ProcessTimes(1, "python", 0, 0),
        11: ProcessTimes(10, "python", 0, 0),
        12: ProcessTimes(11, "extract", 0, 0),
    }
    times[13] = ProcessTimes(10, "nats-server", 0, 0)
    server = ServerProcesses({11: "core"}, root=10)
    assert [server.name_of(pid, times) for pid in (10, 11, 12, 13)] == ["launcher", "core", "core", "nats-server"]


def test_a_restarted_process_counts_from_its_start() -> None:
    assert used({"edge": 5.0, "gone": 1.0}, {"edge": 2.0, "core": 3.0}) == {"edge": 2.0, "core": 3.0}


def test_counts_of_perf_and_of_strace() -> None:
    perf = "# started\n\n39,,syscalls:sys_enter_fsync,413578,100.00,,\n2,,syscalls:sys_enter_fdatasync,41,100.00,,\n"
    strace = (
        "% time     seconds  usecs/call     calls    errors syscall\n------ ---\n"
        " 90.00    0.003721          80        46           fsync\n 10.00    0.000001           1         3         1 "
        "fdatasync\n"
        "100.00    0.003722          80        49         1 total\n"
    )
    assert counted("perf", perf) == 41
    assert counted("strace", strace) == 49
    assert counted("perf", "<not counted>,,syscalls:sys_enter_fsync,0,100.00,,") == 0


def test_fsyncs_are_not_counted_of_a_process_that_has_ended() -> None:
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert running({"a": [os.getpid(), ended.pid], "b": [ended.pid]}) == {"a": [os.getpid()]}


def test_octets_and_calls_of_a_process(tmp_path: Path) -> None:
    _process(tmp_path, 7, 1, "here")
    (tmp_path / "7" / "io").write_text(
        "rchar: 900\nwchar: 80\nsyscr: 5\nsyscw: 2\nread_bytes: 4096\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
    )
    assert read_io(7, tmp_path) == ProcessIo(900, 80, 7)
    assert read_io(8, tmp_path) is None


def test_the_stores_work_is_that_of_all_services() -> None:
    works = [{"work": {"statements": 7, "rows_read": 3, "groups": 2}}, {"name": "access"}, {"work": {"statements": 5}}]
    assert stored({"services": works}) == {"statements": 12, "rows_read": 3, "rows_written": 0}
    assert stored({}) == {"statements": 0, "rows_read": 0, "rows_written": 0}


def test_between_two_looks() -> None:
    assert between({"calls": 5}, {"calls": 9, "statements": 2}) == {"calls": 4, "statements": 2}

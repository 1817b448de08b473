"""The supervisor: one thread, one loop, `select` over signals and the children's output."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from mailfold.supervisor.backoff import Backoff
from mailfold.supervisor.child import Child, check_layout
from mailfold.supervisor.launch import ThreadsInParent
from mailfold.supervisor.output import Prefixed, RotatedFile, Sink, drop_stale
from mailfold.supervisor.report import Process, Report, State, write_report
from mailfold.supervisor.signals import RENEW, STOP, Signals
from mailfold.supervisor.unit import Unit

log = structlog.get_logger("supervisor")

_READY_POLL_SECONDS = 0.03
_LONGEST_WAIT = 60.0
_READ_BYTES = 65536

Changed = Callable[[tuple[Process, ...]], None]


class Supervisor:
    """Keeps children running until SIGTERM, SIGINT or SIGHUP; a second signal kills those that still run.

    SIGUSR1 stops the children that are services in order and starts them again, so that they read their settings anew.
    Raises LayoutError for children that cannot be ordered. Without `log_folder` their output goes to standard error,
    with their names in front. `changed` is called with all processes after every change; it must be quick and must not
    raise.
    """

    def __init__(
        self,
        children: Sequence[Child],
        report_file: Path,
        log_folder: Path | None = None,
        changed: Changed | None = None,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        check_layout(children)
        self._units = {child.name: Unit(child, backoff()) for child in children}
        self._report_file = report_file
        self._log_folder = log_folder
        self._changed = changed
        self._sinks: dict[str, Sink] = {}
        self._outputs: dict[int, Sink] = {}
        self._stopping = False
        self._renewing = False

    def run(self) -> None:
        """Start the children and keep them running; returns when all have been stopped."""
        with Signals() as signals:
            if self._log_folder is not None:
                drop_stale(self._log_folder, time.time())
            self._sinks = {name: self._sink(name) for name in self._units}
            while not self._over():
                self._advance(signals)
                changed = self._report()  # a change may allow further steps
                self._wait(signals, 0.0 if changed else self._patience())
        self._close()

    def _over(self) -> bool:
        return self._stopping and all(unit.state is State.STOPPED for unit in self._units.values())

    def _advance(self, signals: Signals) -> None:
        """Do all steps that are possible now."""
        for unit in self._units.values():
            unit.act_when_due()
            unit.look_whether_ready()
        for sink in self._sinks.values():
            sink.tend()
        if self._stopping:
            self._stop_what_may(self._units)
        elif self._renewing:
            self._renew()
        else:
            self._start_what_may(signals)

    def _renew(self) -> None:
        """Stop the services; when all have stopped, let them start again."""
        services = {name: unit for name, unit in self._units.items() if unit.child.services}
        self._stop_what_may(services)
        if all(unit.state is State.STOPPED for unit in services.values()):
            self._renewing = False
            for unit in services.values():
                unit.renew()

    def _start_what_may(self, signals: Signals) -> None:
        for unit in self._units.values():
            if unit.state is State.WAITING and all(
                self._units[name].state is State.RUNNING for name in unit.child.depends
            ):
                self._start(unit, signals)

    def _start(self, unit: Unit, signals: Signals) -> None:
        name = unit.child.name
        try:
            output = unit.begin((*signals.fds, *self._outputs))
        except (OSError, ThreadsInParent) as error:
            log.error("process.start_failed", child=name, error=repr(error))
            unit.start_failed(error)
            return
        self._outputs[output] = self._sinks[name]
        log.info("process.started", child=name, pid=unit.pid)

    @staticmethod
    def _stop_what_may(units: Mapping[str, Unit]) -> None:
        """Stop those of these children on which no other of them that runs depends."""
        needed = {name for unit in units.values() if unit.state is not State.STOPPED for name in unit.child.depends}
        for name, unit in units.items():
            if name not in needed:
                unit.stop()

    def _wait(self, signals: Signals, patience: float) -> None:
        readable, _, _ = select.select([signals.fd, *self._outputs], [], [], patience)
        for fd in readable:
            if fd == signals.fd:
                self._take(signals.taken())
            else:
                self._copy(fd)

    def _patience(self) -> float:
        """Seconds until the next step that depends on time."""
        if any(unit.state is State.STARTING for unit in self._units.values()):
            return _READY_POLL_SECONDS
        due = min((unit.due for unit in self._units.values()), default=_LONGEST_WAIT)
        return max(0.0, min(due - time.monotonic(), _LONGEST_WAIT))

    def _take(self, numbers: list[int]) -> None:
        for number in numbers:
            if number in STOP:
                self._asked_to_stop(number)
            elif number == RENEW:
                log.info("supervisor.renewing")
                self._renewing = True
        for name, unit in self._units.items():
            if unit.reap():
                level = log.info if unit.state is State.STOPPED else log.error
                level("process.ended", child=name, exit=unit.process().last_exit, state=str(unit.state))

    def _asked_to_stop(self, number: int) -> None:
        log.info("supervisor.stopping", signal=number, at_once=self._stopping)
        if self._stopping:
            for unit in self._units.values():
                if unit.alive:
                    unit.kill()
        self._stopping = True

    def _copy(self, fd: int) -> None:
        data = os.read(fd, _READ_BYTES)
        if data:
            self._outputs[fd].write(data)
        else:
            self._outputs.pop(fd)
            os.close(fd)

    def _sink(self, name: str) -> Sink:
        if self._log_folder is None:
            return Prefixed(name, max(map(len, self._units)))
        return RotatedFile(self._log_folder / f"{name}.log")

    def _report(self) -> bool:
        """Write the report if anything has changed; returns whether it has."""
        if not any(unit.changed for unit in self._units.values()):
            return False
        processes = tuple(unit.process() for unit in self._units.values())
        for unit in self._units.values():
            unit.changed = False
        try:
            write_report(self._report_file, Report(os.getpid(), processes))
        except OSError as error:
            log.error("supervisor.report_failed", error=repr(error))
        if self._changed is not None:
            self._changed(processes)
        return True

    def _close(self) -> None:
        """Read the last output of the children from their pipes, and close them."""
        for fd in list(self._outputs):
            self._drain(fd)
        for sink in self._sinks.values():
            sink.close()
        self._report_file.unlink(missing_ok=True)

    def _drain(self, fd: int) -> None:
        """Read what is in a pipe; its end may never come, when a process left behind by the child holds it open."""
        try:
            while fd in self._outputs:
                self._copy(fd)
        except BlockingIOError:
            self._outputs.pop(fd)
            os.close(fd)

"""A whole Mailfold server, started with `mailfold up` in its own folder, and stopped or killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from loadtest.zone.data import Zone
from mailfold.supervisor.report import Report, read_report
from shared.places import Places
from tests.harness.command import ROOT, Command, environment, program
from tests.harness.contracts import Contracts
from tests.harness.imap import Imap
from tests.harness.managesieve import ManageSieve
from tests.harness.people import People, Person
from tests.harness.ports import IMAPS, MANAGESIEVE, SMTP, SUBMISSION, SUBMISSIONS, free_offset
from tests.harness.smtp import Smtp
from tests.harness.waiting import PATIENCE, until
from tests.harness.zone import sample_zone
from tests.parts.child import Child, Folder, PartFailed
from tests.parts.dns import ZoneServerThread

_START_SECONDS = 120.0
_STOP_SECONDS = 40.0
_TAIL = 3000
_IN_HASTE = {"MAILFOLD_BUS_MAX_ATTEMPTS": "3", "MAILFOLD_INGRESS_REPEAT_FIRST": "3"}
"""Settings that shorten waits of several seconds for tests."""


class MailfoldServer:
    """A server: `with MailfoldServer() as server` is ready, with the domains of tests.harness.people.

    `data` is used and kept; without it a temporary folder is used, which is kept only after a failure. `settings` are
    environment variables. `store` is a postgresql:// URL. `in_haste` shortens some waits; with False every limit has
    the default of the product. `descriptors` is the `ulimit -n` of the server, 0 for ours. `prefix` is a program that
    runs server and command, `start_prefix` one that runs only the server.
    """

    def __init__(
        self,
        data: Path | None = None,
        layout: str = "small",
        store: str = "",
        zone: Zone | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        in_haste: bool = True,
        descriptors: int = 0,
        prefix: Sequence[str] = (),
        start_prefix: Sequence[str] = (),
    ) -> None:
        self._folder = Folder("server")
        self.data = data or self._folder.path / "data"
        self.layout = layout
        self.store = store
        self.zone = zone or sample_zone()
        self.dns = ZoneServerThread(self.zone)
        self.offset = free_offset()
        self.places = Places(self.data)
        self.log = self._folder.path / "up.log"
        self.extra = {**(_IN_HASTE if in_haste else {}), **(settings or {})}
        self.descriptors = descriptors
        self.prefix = tuple(prefix)
        self.start_prefix = tuple(start_prefix)
        self.start_seconds = 0.0
        """The seconds that the last start took until every process served."""
        self._began = 0.0
        self._child: Child | None = None
        self._contracts: Contracts | None = None
        self._people: People | None = None

    def start(self) -> None:
        """Start the server; returns when the command reports that it is ready.

        Raises PartFailed with the ends of the logs.
        """
        self._began = time.monotonic()
        argv = [
            *self.prefix,
            *self.start_prefix,
            *program(),
            "up",
            "--data",
            str(self.data),
            "--port-offset",
            str(self.offset),
            "--layout",
            self.layout,
        ]
        if self.descriptors:  # soft and hard limit, so that the server cannot raise it
            argv = ["sh", "-c", f'ulimit -n {self.descriptors}; exec "$@"', "sh", *argv]
        self._child = Child(argv, self.log, env=environment(self.settings), cwd=ROOT)
        try:
            self._child.wait_until(self._serves, _START_SECONDS)
        except PartFailed as error:
            raise PartFailed(f"{error}\n{self.log_tails()}") from None

    def stop(self) -> int:
        """Stop the server as Ctrl-C does; returns the exit status."""
        child, self._child = self._child, None
        return child.stop(signal.SIGINT, _STOP_SECONDS) if child else 0

    def restart(self) -> None:
        """Stop in order and start again on the same ports."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill every process at once, as a power failure would."""
        report = self.report()
        pids = [process.pid for process in report.processes if process.pid] if report else []
        if self._child:
            self._child.kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._child = None
        until(
            lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _runs(pid) for pid in pids),
            "the end of all processes",
        )

    @property
    def settings(self) -> dict[str, str]:
        """The environment of the server and of the command."""
        store = {"MAILFOLD_SERVER_STORE": self.store} if self.store else {}
        return {
            "MAILFOLD_RESOLVER_ADDRESSES": self.dns.address,
            "MAILFOLD_OUTBOUND_SENDING": "false",
            "MAILFOLD_POP3_LISTEN": "true",
            "MAILFOLD_POP3_STARTTLS": "true",
            "MAILFOLD_SERVER_HOSTNAME": "mx.example.org",
            **store,
            **self.extra,
        }

    @property
    def command(self) -> Command:
        """The operator's command for this server."""
        return Command(self.data, self.settings, self.prefix)

    @property
    def contracts(self) -> Contracts:
        """The operator's calls."""
        if self._contracts is None:
            self._contracts = Contracts(self.places)
        return self._contracts

    @property
    def people(self) -> People:
        """Creates users."""
        if self._people is None:
            self._people = People(self.contracts)
        return self._people

    def status(self) -> dict[str, Any]:
        """`mailfold status --json`, also for a server that is not well (exit status 1)."""
        ended = self.command.run("status", "--json")
        assert ended.status in (0, 1), ended.errors
        answer: dict[str, Any] = json.loads(ended.output)
        return answer

    def count(self, service: str, name: str) -> int:
        """A count that a service reports in `mailfold status`."""
        return int(next(result for result in self.status()["services"] if result["name"] == service)["counts"][name])

    def report(self) -> Report | None:
        """The supervisor's list of processes."""
        return read_report(self.places.processes)

    def port(self, well_known: int) -> int:
        """The port on which this server listens instead of 25, 465, 587 or 993."""
        return well_known + self.offset

    def tls(self) -> ssl.SSLContext:
        """A client context that trusts only this server's authority."""
        return ssl.create_default_context(cafile=str(self.authority))

    @property
    def authority(self) -> Path:
        """The certificate that clients must trust."""
        return self.places.tls / "ca.pem"

    def smtp(self, hello: str = "client.honest.example") -> Smtp:
        """A client for port 25."""
        return Smtp(self.port(SMTP), hello=hello)

    def submission(self, person: Person | None = None) -> Smtp:
        """A client for port 587, after STARTTLS and log-in; without a person a plain connection."""
        smtp = Smtp(self.port(SUBMISSION))
        if person:
            smtp.start_tls(self.tls())
            assert smtp.log_in(person.address, person.password).code == 235
        return smtp

    def submissions(self, person: Person | None = None) -> Smtp:
        """A client for port 465, logged in when a person is given."""
        smtp = Smtp(self.port(SUBMISSIONS), tls=self.tls())
        if person:
            assert smtp.log_in(person.address, person.password).code == 235
        return smtp

    def imap(self, person: Person) -> Imap:
        """A client for port 993, logged in."""
        return Imap(self.port(IMAPS), self.tls(), person.address, person.password)

    def managesieve(self, person: Person) -> ManageSieve:
        """A client for port 4190, after STARTTLS and log-in."""
        sieve = ManageSieve(self.port(MANAGESIEVE), self.tls())
        answer = sieve.log_in(person.address, person.password)
        assert answer.startswith(b"OK"), answer
        return sieve

    def settled(self, seconds: float = PATIENCE) -> None:
        """Wait until every reception is settled; held ones do not count."""
        until(
            lambda: not [reception for reception in self.contracts.receptions() if reception.state == "moving"],
            "every reception settled",
            seconds,
        )

    def followed(self) -> None:
        """Wait until every service has followed the directory, so that the next mail meets what was just changed."""
        until(
            lambda: not any(service["lag"].get("directory") for service in self._status()["services"]),
            "every service at the head of the directory",
        )

    def _status(self) -> dict[str, Any]:
        return dict(json.loads(self.command.run("status", "--json").output))

    def log_tails(self) -> str:
        """The ends of all logs, for the report of a failure."""
        files = [self.log, *sorted(self.places.log.glob("*.log"))]
        return "\n".join(
            f"--- {file.name}\n{file.read_text('utf-8', 'replace')[-_TAIL:]}" for file in files if file.exists()
        )

    def open(self) -> None:
        """Start the DNS and the server, and create the domains."""
        self.dns.start()
        self.start()
        self.people.make_domains()

    def close(self, *, failed: bool = False) -> None:
        """Stop everything and remove temporary files."""
        try:
            self.stop()
        finally:
            if self._contracts:
                self._contracts.close()
            self.dns.stop()
            self._folder.close(keep=failed)

    def discard_data(self) -> None:
        """Remove the data folder of a stopped server."""
        shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self) -> MailfoldServer:
        try:
            self.open()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=kind is not None)

    def _serves(self) -> bool:
        """Whether the server is ready. Cheap checks come first; the command is asked when they succeed."""
        report = self.report()
        if report is None or not report.alive or any(process.state != "running" for process in report.processes):
            return False
        self.start_seconds = time.monotonic() - self._began
        return self._ready()

    def _ready(self) -> bool:
        done = self.command.run("status", "--json")
        return done.status == 0 and '"ready": true' in done.output.replace('"ready":true', '"ready": true')


def _runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

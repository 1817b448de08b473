"""ManageSieve where a dialog is not enough: time, other services, the end of sessions, what precedes TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.grpc.errors import NotNow, TimedOut, Unavailable
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub
from tests.harness.managesieve import ManageSieve
from tests.harness.ports import is_free
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts.nats import NatsServer

SCRIPTS = "/mailfold.mailstore.v1.Scripts/"
Open = Callable[..., ManageSieve]


@pytest.fixture
def opened(server: ImapServer, user: str) -> Iterator[Open]:
    """Opens sessions under TLS that are logged in to the test's account, or to another one."""
    sessions: list[ManageSieve] = []

    def log_in(name: str | None = None) -> ManageSieve:
        sessions.append(ManageSieve(server.managesieve_port, server.client_context()))
        assert sessions[-1].log_in(f"{name or user}@example.org", PASSWORD) == b'OK "Logged in"'
        return sessions[-1]

    yield log_in
    for session in sessions:
        session.close()


@pytest.fixture
def impatient(bus_server: NatsServer, tmp_path: Path) -> Iterator[ImapServer]:
    """A server with short limits."""
    settings = {
        "access.login_timeout": "1",
        "managesieve.idle_timeout": "1",
        "managesieve.max_connections_per_account": "2",
        "access.patience": "0",
    }
    with ImapServer(tmp_path, bus_server.url, settings) as started:
        yield started


class Failing:
    """Makes a method of a service fail some times: before it is carried out, or afterwards."""

    def __init__(
        self, server: ImapServer, path: str, error: Exception, times: int = 1000, *, service: str, after: bool = False
    ) -> None:
        self._methods: Any = server.methods[service]
        self._path, self._error, self._left, self._after = path, error, times, after
        self.failures = 0
        self._whole = self._methods[path]

    def __enter__(self) -> None:
        self._methods[self._path] = self._whole._replace(behaviour=self._behave)

    def __exit__(self, *_: object) -> None:
        self._methods[self._path] = self._whole

    async def _behave(self, request: Any, context: Any) -> Any:
        fails, self._left = self._left > 0, self._left - 1
        self.failures += fails
        if fails and not self._after:
            raise self._error
        reply = await self._whole.behaviour(request, context)
        if fails:
            raise self._error
        return reply


def away(server: ImapServer, method: str, times: int = 1000, *, after: bool = False) -> Failing:
    error = TimedOut("the answer got lost") if after else Unavailable("the store is starting")
    return Failing(server, SCRIPTS + method, error, times, service="mailstore", after=after)


@pytest.mark.parametrize("behind", [b"LOGOUT\r\n", b"CAPABILITY\r\n", b'AUTHENTICATE "PLAIN" {100+}\r\nabc'])
def test_what_follows_starttls_in_clear_is_never_carried_out(server: ImapServer, behind: bytes) -> None:
    """The connection ends, so that nobody takes the answer for the answer to words that were said under TLS."""
    with ManageSieve(server.managesieve_port) as sieve:
        sieve.send(b"STARTTLS\r\n" + behind)
        assert sieve.rest() == b'BYE "Nothing may follow STARTTLS before TLS is active"\r\n'


def test_a_failed_handshake_ends_the_connection(server: ImapServer) -> None:
    with ManageSieve(server.managesieve_port) as sieve:
        sieve.ok("STARTTLS")
        sieve.send(b"LOGOUT\r\n")
        assert b"Goodbye" not in sieve.rest()


def test_a_store_that_is_away_is_tried_again(server: ImapServer, opened: Open) -> None:
    sieve = opened()
    for after in (False, True):
        with away(server, "PutScript", 2, after=after):
            assert sieve.put("a", b"keep;").startswith(b"OK")
        with away(server, "ActivateScript", 1, after=after):
            sieve.ok('SETACTIVE "a"')
        with away(server, "RenameScript", 1, after=after):
            sieve.ok('RENAMESCRIPT "a" "b"')
        sieve.ok('SETACTIVE ""')
        with away(server, "DeleteScript", 1, after=after):
            sieve.ok('DELETESCRIPT "b"')
    assert sieve.ok("LISTSCRIPTS") == []


def test_a_store_that_stays_away_is_said_and_nothing_is_lost(server: ImapServer, opened: Open) -> None:
    sieve = opened()
    sieve.put("a", b"keep;")
    for method, command in (
        ("PutScript", 'PUTSCRIPT "a" "stop;"'),
        ("CheckScript", 'CHECKSCRIPT "stop;"'),
        ("ListScripts", "LISTSCRIPTS"),
        ("ListScripts", 'HAVESPACE "b" 10'),
        ("GetScript", 'GETSCRIPT "a"'),
        ("ActivateScript", 'SETACTIVE "a"'),
        ("RenameScript", 'RENAMESCRIPT "a" "b"'),
        ("DeleteScript", 'DELETESCRIPT "a"'),
    ):
        with away(server, method):
            assert sieve.ask(command)[-1] == b'NO (TRYLATER) "The server cannot do this now; try again"'
    assert sieve.ok('GETSCRIPT "a"') == [b"{5}\r\nkeep;"]


def test_a_fault_in_the_store_ends_no_session(server: ImapServer, opened: Open) -> None:
    sieve = opened()
    with Failing(server, SCRIPTS + "ListScripts", RuntimeError("a secret"), service="mailstore"):
        assert sieve.ask("LISTSCRIPTS")[-1] == b'NO "Something is wrong in the server; its log says what"'
    assert sieve.ok("LISTSCRIPTS") == []


def test_a_password_that_cannot_be_checked_is_not_wrong(server: ImapServer, user: str) -> None:
    path = "/mailfold.directory.v1.Directory/Authenticate"
    with ManageSieve(server.managesieve_port, server.client_context()) as sieve:
        with Failing(server, path, NotNow("ldap.example.org does not answer", "LDAP"), service="directory"):
            answer = sieve.log_in(f"{user}@example.org", PASSWORD)
        assert answer == b'NO (TRYLATER) "Passwords cannot be checked now; try again later"'
        with Failing(server, path, Unavailable("starting"), service="directory"):
            assert sieve.log_in(f"{user}@example.org", PASSWORD).startswith(b"NO (TRYLATER)")
        assert sieve.log_in("disabled@example.org", PASSWORD) == b'NO "This account is switched off"'
        assert sieve.log_in(f"{user}@example.org", PASSWORD).startswith(b"OK")


def test_every_error_of_a_long_script_is_said(server: ImapServer, opened: Open) -> None:
    """The refusal of the mailstore has 500 characters; the answer to the client has all errors."""
    source = b"".join(b"frobnicate%d;\r\n" % number for number in range(40))
    sieve = opened()
    answer = sieve.put("a", source)
    assert answer.startswith(b"NO {")
    assert [line.partition(b",")[0] for line in answer.split(b"\r\n")[1:]] == [
        b"line %d" % number for number in range(1, 41)
    ]


def test_the_change_is_the_users_own(server: ImapServer, opened: Open, user: str) -> None:
    """In the history of the account stands who made the change, and in which session."""
    opened().put("a", b"keep;")
    host = server.host
    assert host is not None
    stub = ScriptsStub(host.channel("mailstore", "operator"))
    request = scripts_pb2.ListScriptChangesRequest(owner=f"a-{user}")
    (change,) = server.run(_changes(stub, request)).changes
    assert change.actor.startswith(f"user u-{user}")


async def _changes(stub: ScriptsStub, request: scripts_pb2.ListScriptChangesRequest) -> scripts_pb2.ScriptChangeList:
    return await stub.ListScriptChanges(request)


def test_who_does_not_log_in_in_time_is_sent_away_though_he_talks(impatient: ImapServer) -> None:
    with ManageSieve(impatient.managesieve_port) as silent, ManageSieve(impatient.managesieve_port) as talker:
        with pytest.raises(ConnectionError):
            while talker.ask("NOOP")[-1] == b'OK "Done"':
                pass
            raise ConnectionError(talker.rest())
        assert silent.rest() == b'BYE "You were silent for too long"\r\n'


def test_a_slow_command_has_no_more_time(impatient: ImapServer) -> None:
    with ManageSieve(impatient.managesieve_port) as sieve, pytest.raises(OSError):
        sieve.socket.settimeout(0.05)
        while True:
            sieve.send(b"x")
            try:
                assert sieve.socket.recv(100) == b'BYE "You were silent for too long"\r\n'
                break
            except TimeoutError:
                continue
        raise OSError


def test_silence_after_the_log_in(impatient: ImapServer) -> None:
    with ManageSieve(impatient.managesieve_port, impatient.client_context()) as sieve:
        sieve.log_in("ann@example.org", PASSWORD)
        assert sieve.rest() == b'BYE "You were silent for too long"\r\n'


def test_sessions_of_an_account_are_limited(impatient: ImapServer) -> None:
    port, tls = impatient.managesieve_port, impatient.client_context()
    with ManageSieve(port, tls) as first, ManageSieve(port, tls) as second, ManageSieve(port, tls) as third:
        answers = [sieve.log_in("bob@example.org", PASSWORD) for sieve in (first, second, third)]
        assert answers[2] == b'NO (TRYLATER) "Too many connections of this account"'
        first.ok("UNAUTHENTICATE")
        assert third.log_in("bob@example.org", PASSWORD).startswith(b"OK")


def test_the_end_of_the_server_is_said(bus_server: NatsServer, tmp_path: Path) -> None:
    with ImapServer(tmp_path, bus_server.url) as server:
        sieve = ManageSieve(server.managesieve_port, server.client_context())
        sieve.log_in("ann@example.org", PASSWORD)
        early = ManageSieve(server.managesieve_port)
    assert sieve.rest() == b'BYE "The server is shutting down"\r\n'
    assert early.rest() == b'BYE "The server is shutting down"\r\n'
    sieve.close()
    early.close()


def test_it_can_be_switched_off(bus_server: NatsServer, tmp_path: Path) -> None:
    with ImapServer(tmp_path, bus_server.url, {"managesieve.listen": "false"}) as server:
        assert is_free(server.managesieve_port)
        access: Any = server.app("access")
        assert [row.protocol for row in server.run(access.report()).listeners] == ["imaps"]
        client = ImapClient(server)
        assert b"METADATA" in client.ok("CAPABILITY")[0]
        assert b"IMAPSIEVE" not in client.ok("CAPABILITY")[0]
        client.close()

"""sieve-connect, a client of ManageSieve: everything that it can do."""

from __future__ import annotations

from pathlib import Path

from tests.harness.people import Person
from tests.harness.ports import MANAGESIEVE
from tests.harness.server import MailfoldServer
from tests.interop.program import run
from tests.parts.clients import SIEVE_CONNECT
from tests.parts.required import needs

needs(SIEVE_CONNECT)
_SCRIPT = 'require "fileinto";\n# für alle\nfileinto "Archive";\n'


def sieve_connect(server: MailfoldServer, person: Person, *words: str | Path, ok: tuple[int, ...] = (0,)) -> str:
    """Run the client, which verifies certificates and takes the password from its input."""
    where = ("--server", "localhost", "--4", "--port", str(server.port(MANAGESIEVE)), "--nosrv")
    how = ("--tlscafile", server.authority, "--user", person.address, "--passwordfd", "0")
    return run(SIEVE_CONNECT, *where, *how, *words, text=f"{person.password}\n", ok=ok)


def test_a_script_goes_there_and_back(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    script, back = tmp_path / "main.sieve", tmp_path / "back.sieve"
    script.write_text(_SCRIPT)
    sieve_connect(server, ann, "--localsieve", script, "--remotesieve", "main", "--upload")
    sieve_connect(server, ann, "--remotesieve", "main", "--activate")
    assert '"main" ACTIVE' in sieve_connect(server, ann, "--list")
    sieve_connect(server, ann, "--remotesieve", "main", "--localsieve", back, "--download")
    assert back.read_text() == _SCRIPT
    sieve_connect(server, ann, "--deactivate")
    assert "ACTIVE" not in sieve_connect(server, ann, "--list")
    sieve_connect(server, ann, "--remotesieve", "main", "--delete")
    assert "main" not in sieve_connect(server, ann, "--list")


def test_errors_are_shown(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    script = tmp_path / "wrong.sieve"
    script.write_text("keep;\nfrobnicate;\nkeep 1;\n")
    for words in (("--checkscript",), ("--remotesieve", "wrong", "--upload")):
        output = sieve_connect(server, ann, "--localsieve", script, *words, ok=(0, 1, 2, 22, 255))
        assert "line 2, column 1" in output
        assert "line 3, column 6" in output
    assert "wrong" not in sieve_connect(server, ann, "--list")

"""fetchmail, getmail, mpop and curl read INBOX with POP3, and know again what they have read."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import POP3, POP3S
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.parts.clients import CURL, FETCHMAIL, GETMAIL, MPOP
from tests.parts.required import needs

_numbers = itertools.count(1)
SENDER = f"carl@{HONEST}"
_TEXT = b"a text\r\n.\r\n..dots\r\n"
_FETCHMAIL = """\
poll localhost protocol pop3 service {port} uidl
  username "{user}" password "{password}" {tls} sslcertck sslcertfile "{authority}" {keep}
  mda "/bin/sh -c 'cat > {folder}/$$.eml'"
"""
_GETMAIL = """\
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {authority}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > {folder}/$$.eml")
allow_root_commands = true

[options]
read_all = false
delete = {delete}
delivered_to = false
received = false
"""


@pytest.fixture
def reader(server: MailfoldServer) -> Person:
    """A user of this test alone, whose account may be read with POP3."""
    person = server.people.person(f"fetcher{next(_numbers)}")
    server.command("account", "pop3", person.address, "on")
    return person


def arrived(
    server: MailfoldServer, person: Person, number: int, text: bytes = b"a text\r\n.\r\n..dots\r\n"
) -> list[str]:
    """Send mails, and wait until they are in INBOX."""
    ids = []
    for _ in range(number):
        mail = compose(SENDER, person.address, body=_TEXT)
        with server.smtp() as smtp:
            assert smtp.send(SENDER, [person.address], mail.data).code == 250
        with server.imap(person) as imap:
            imap.wait_for(mail.message_id)
        ids.append(mail.message_id)
    return ids


def left(server: MailfoldServer, person: Person) -> int:
    with server.imap(person) as imap:
        return imap.select()


def check(files: list[Path], ids: list[str]) -> None:
    """Each mail is there once, with its dots as they were."""
    texts = [file.read_bytes().replace(b"\r\n", b"\n") for file in files]
    assert len(texts) == len(ids)
    for message_id in ids:
        (text,) = [text for text in texts if message_id.encode() in text]
        assert text.endswith(b"\n.\n..dots\n"), text


def home(folder: Path) -> Mapping[str, str]:
    """The environment of a client whose home is this folder."""
    return {**os.environ, "HOME": str(folder), "FETCHMAILHOME": str(folder)}


@pytest.mark.parametrize(("port", "tls"), [(POP3S, "ssl"), (POP3, "sslproto 'auto'")], ids=["tls", "stls"])
def test_fetchmail(server: MailfoldServer, reader: Person, tmp_path: Path, port: int, tls: str) -> None:
    needs(FETCHMAIL)
    folder = tmp_path / "mails"
    folder.mkdir()
    configuration = tmp_path / ".fetchmailrc"

    def fetch(keep: str, ok: int) -> None:
        values = {"user": reader.address, "password": reader.password, "authority": server.authority}
        text = _FETCHMAIL.format(port=server.port(port), tls=tls, keep=keep, folder=folder, **values)
        configuration.write_text(text)
        configuration.chmod(0o600)
        run(FETCHMAIL, "-f", configuration, "--nodetach", "-v", env=home(tmp_path), ok=(ok,))

    ids = arrived(server, reader, 2)
    fetch("keep", 0)
    check(list(folder.glob("*.eml")), ids)
    fetch("keep", 1)  # there is no new mail
    ids += arrived(server, reader, 1)
    fetch("nokeep", 0)
    check(list(folder.glob("*.eml")), ids)
    assert left(server, reader) == 2  # those that were kept before stay, as fetchmail does without `flush`


def test_getmail(server: MailfoldServer, reader: Person, tmp_path: Path) -> None:
    needs(GETMAIL)
    folder = tmp_path / "mails"
    folder.mkdir()

    def fetch(delete: str) -> None:
        values = {"user": reader.address, "password": reader.password, "authority": server.authority}
        text = _GETMAIL.format(port=server.port(POP3S), folder=folder, delete=delete, **values)
        (tmp_path / "getmailrc").write_text(text)
        run(GETMAIL, "--getmaildir", tmp_path, "--rcfile", "getmailrc", env=home(tmp_path))

    ids = arrived(server, reader, 2)
    fetch("false")
    fetch("false")
    check(list(folder.glob("*.eml")), ids)
    ids += arrived(server, reader, 1)
    fetch("true")
    check(list(folder.glob("*.eml")), ids)
    assert left(server, reader) == 0


def test_mpop(server: MailfoldServer, reader: Person, tmp_path: Path) -> None:
    needs(MPOP)
    folder = tmp_path / "maildir"
    for place in ("new", "cur", "tmp"):
        (folder / place).mkdir(parents=True)

    def fetch(keep: str) -> None:
        run(
            MPOP,
            "--host=localhost",
            f"--port={server.port(POP3S)}",
            "--tls=on",
            "--tls-starttls=off",
            f"--tls-trust-file={server.authority}",
            "--auth=plain",
            f"--user={reader.address}",
            f"--passwordeval=echo '{reader.password}'",
            f"--keep={keep}",
            "--pipelining=on",
            f"--delivery=maildir,{folder}",
            f"--uidls-file={tmp_path}/uidls",
            env=home(tmp_path),
        )

    ids = arrived(server, reader, 3)
    fetch("on")
    fetch("on")
    check(list((folder / "new").iterdir()), ids)
    fetch("off")
    assert left(server, reader) == 0


def test_curl(server: MailfoldServer, reader: Person) -> None:
    needs(CURL)
    (message_id,) = arrived(server, reader, 1)
    url = f"pop3s://localhost:{server.port(POP3S)}/"
    options = ("--silent", "--show-error", "--cacert", server.authority, "--user")

    def curl(*words: str) -> str:
        return run(CURL, *options, f"{reader.address}:{reader.password}", *words)

    assert curl(url).split()[0] == "1"
    assert message_id in curl(f"{url}1")
    assert message_id in curl(url, "--request", "TOP 1 0")
    assert curl(url, "--request", "UIDL").split()[1].startswith("e")
    starttls = f"pop3://localhost:{server.port(POP3)}/1"
    assert message_id in curl(starttls, "--ssl-reqd")
    curl(f"{url}1", "--request", "DELE", "--list-only")
    assert left(server, reader) == 0

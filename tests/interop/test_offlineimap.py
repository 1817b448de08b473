"""offlineimap: a Maildir and an account are equal after each run, whichever side changed."""

from __future__ import annotations

import os
from pathlib import Path

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.parts.clients import OFFLINEIMAP
from tests.parts.required import needs

needs(OFFLINEIMAP)
SENDER = f"carl@{HONEST}"
_CONFIGURATION = """\
[general]
accounts = test
metadata = {folder}/state
ui = basic

[Account test]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {folder}/mail
sep = {sep}

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
sslcacertfile = {authority}
ssl = yes
"""


def configuration(folder: Path, port: int, person: Person, authority: Path, further: str = "", sep: str = ".") -> str:
    """A configuration for an account and a Maildir in the folder; `further` is about the account's side.

    `sep` stands between the levels of a name in the Maildir.
    """
    text = _CONFIGURATION.format(
        folder=folder, port=port, user=person.address, password=person.password, authority=authority, sep=sep
    )
    return text + further


def _sync(server: MailfoldServer, person: Person, folder: Path) -> str:
    file = folder / "offlineimaprc"
    file.write_text(configuration(folder, server.port(IMAPS), person, server.authority))
    return run(OFFLINEIMAP, "-o", "-c", file, env={**os.environ, "HOME": str(folder)})


def _files(folder: Path, mailbox: str) -> list[Path]:
    return sorted(file for place in ("cur", "new") for file in (folder / "mail" / mailbox / place).glob("*"))


def test_both_ways(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    with server.imap(ann) as imap:
        for number in range(6):
            mail = compose(SENDER, ann.address, subject=f"number {number}")
            imap.append("INBOX", mail.data, "(\\Seen)" if number < 2 else "")
    _sync(server, ann, tmp_path)
    files = _files(tmp_path, "INBOX")
    assert len(files) == 6
    seen = [file for file in files if "S" in file.name.rpartition(":2,")[2]]
    assert len(seen) == 2

    seen[0].unlink()
    flagged = seen[1].parent.parent / "cur" / f"{seen[1].name.partition(':')[0]}:2,FS"
    seen[1].rename(flagged)
    written = compose(SENDER, ann.address, subject="from the other side")
    (tmp_path / "mail" / "Archive" / "new" / "1.2.host").write_bytes(written.data.replace(b"\r\n", b"\n"))
    _sync(server, ann, tmp_path)
    with server.imap(ann) as imap:
        assert imap.select() == 5
        assert len(imap.uids("FLAGGED")) == 1
        assert imap.wait_for(written.message_id, "Archive")
        imap.select()
        imap.store(imap.uids("ALL")[0], "+FLAGS (\\Deleted)")
        imap.connection.expunge()
    print(
        run(
            OFFLINEIMAP, "-d", "imap", "-o", "-c", tmp_path / "offlineimaprc", env={**os.environ, "HOME": str(tmp_path)}
        )
    )
    assert len(_files(tmp_path, "INBOX")) == 4
    before = _files(tmp_path, "INBOX")
    _sync(server, ann, tmp_path)
    assert _files(tmp_path, "INBOX") == before

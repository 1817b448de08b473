"""mbsync: a Maildir and an account are equal after each run, whichever side changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.parts.clients import MBSYNC
from tests.parts.required import needs

needs(MBSYNC)
SENDER = f"carl@{HONEST}"
_MESSAGES = int(os.environ.get("MAILFOLD_TEST_MBSYNC_MESSAGES", "1000"))
"""Messages of the large synchronisation; 10,000 take some minutes."""
_CONFIGURATION = """\
IMAPAccount server
Host localhost
Port {port}
User {user}
Pass "{password}"
SSLType IMAPS
CertificateFile {authority}

IMAPStore far
Account server

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Remove Both
SyncState *
"""


class Maildir:
    """The local copy that mbsync keeps."""

    def __init__(self, server: MailfoldServer, person: Person, folder: Path) -> None:
        self.path = folder / "mail"
        self.path.mkdir()
        self._configuration = folder / "mbsyncrc"
        self._configuration.write_text(
            _CONFIGURATION.format(
                port=server.port(IMAPS),
                user=person.address,
                password=person.password,
                authority=server.authority,
                maildir=self.path,
            )
        )

    def sync(self) -> str:
        """Run mbsync once; returns its output."""
        return run(MBSYNC, "-c", self._configuration, "-a", "-V", seconds=60 + _MESSAGES / 20)

    def files(self, mailbox: str) -> list[Path]:
        """The messages of a mailbox."""
        folder = self.path / mailbox
        return sorted(file for place in ("cur", "new") for file in (folder / place).glob("*"))

    def flag(self, file: Path, flags: str) -> None:
        """Give a message exactly these Maildir flags."""
        target = file.parent.parent / "cur" / f"{file.name.partition(':')[0]}:2,{flags}"
        file.rename(target)


@pytest.fixture
def maildir(server: MailfoldServer, ann: Person, tmp_path: Path) -> Maildir:
    """An empty Maildir."""
    return Maildir(server, ann, tmp_path)


def test_both_ways(server: MailfoldServer, ann: Person, maildir: Maildir) -> None:
    with server.imap(ann) as imap:
        for number in range(4):
            imap.append(
                "INBOX",
                compose(SENDER, ann.address, subject=f"number {number}").data,
                "(\\Seen)" if number == 0 else "",
            )
    maildir.sync()
    assert len(maildir.files("INBOX")) == 4 and (maildir.path / "Spam").is_dir()
    near = [file for file in maildir.files("INBOX") if "S" not in file.name.rpartition(":2,")[2]]
    maildir.flag(near[0], "F")
    near[1].unlink()
    sent = compose(SENDER, ann.address, subject="from the other side")
    (maildir.path / "Archive" / "new" / "1.2.host").write_bytes(sent.data.replace(b"\r\n", b"\n"))
    with server.imap(ann) as imap:
        imap.select()
        imap.store(1, "+FLAGS (\\Answered)")
    maildir.sync()
    with server.imap(ann) as imap:
        assert imap.select() == 3
        assert len(imap.uids("FLAGGED")) == 1
        assert imap.wait_for(sent.message_id, "Archive")
        imap.select()
        imap.store(1, "+FLAGS (\\Deleted)")
        imap.connection.expunge()
    assert any("R" in file.name.rpartition(":2,")[2] for file in maildir.files("INBOX"))
    maildir.sync()
    assert len(maildir.files("INBOX")) == 2


def test_a_second_run_has_nothing_to_do(server: MailfoldServer, ann: Person, maildir: Maildir) -> None:
    with server.imap(ann) as imap:
        for number in range(3):
            imap.append("INBOX", compose(SENDER, ann.address, subject=f"number {number}").data)
    maildir.sync()
    before = {file: file.stat().st_mtime_ns for file in maildir.files("INBOX")}
    maildir.sync()
    assert {file: file.stat().st_mtime_ns for file in maildir.files("INBOX")} == before
    with server.imap(ann) as imap:
        assert imap.select() == 3


def test_thousands_of_messages(server: MailfoldServer, ann: Person, maildir: Maildir) -> None:
    count = _MESSAGES
    folder = maildir.path / "INBOX" / "new"
    for place in ("cur", "new", "tmp"):
        (maildir.path / "INBOX" / place).mkdir(parents=True)
    for number in range(count):
        mail = compose(SENDER, ann.address, subject=f"number {number}")
        (folder / f"{number}.1.host").write_bytes(mail.data.replace(b"\r\n", b"\n"))
    maildir.sync()
    with server.imap(ann) as imap:
        assert imap.select() == count
        imap.connection.uid("STORE", f"1:{count // 2}", "+FLAGS", "(\\Flagged)")
        imap.connection.uid("STORE", f"{count - 9}:{count}", "+FLAGS", "(\\Deleted)")
        imap.connection.expunge()
    maildir.sync()
    files = maildir.files("INBOX")
    assert len(files) == count - 10
    assert sum("F" in file.name.rpartition(":2,")[2] for file in files) == count // 2
    before = {file.name for file in files}
    maildir.sync()
    assert {file.name for file in maildir.files("INBOX")} == before

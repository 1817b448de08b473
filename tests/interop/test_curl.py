"""curl: smtp, smtps and imaps."""

from __future__ import annotations

from pathlib import Path

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, SMTP, SUBMISSION, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.parts.clients import CURL
from tests.parts.required import needs

needs(CURL)
SENDER = f"carl@{HONEST}"


def curl(server: MailfoldServer, *words: str | Path, person: Person | None = None) -> str:
    """Run curl, which verifies certificates."""
    user = ("--user", f"{person.address}:{person.password}") if person else ()
    return run(CURL, "--silent", "--show-error", "--cacert", server.authority, *user, *words)


def test_smtp_and_imap(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    sent = compose(SENDER, ann.address)
    file = tmp_path / "message.eml"
    file.write_bytes(sent.data)
    envelope = ("--mail-from", SENDER, "--mail-rcpt", ann.address, "--upload-file", file)
    curl(server, f"smtp://localhost:{server.port(SMTP)}/client.honest.example", *envelope)
    with server.imap(ann) as imap:
        uid = imap.wait_for(sent.message_id)
        whole = imap.fetch(uid)
    inbox = f"imaps://localhost:{server.port(IMAPS)}/INBOX"
    assert "Spam" in curl(server, f"imaps://localhost:{server.port(IMAPS)}/", person=ann)
    assert curl(server, f"{inbox};UID={uid}", person=ann).encode().replace(b"\r\n", b"\n") == whole.replace(
        b"\r\n", b"\n"
    )
    assert "a test" in curl(server, f"{inbox};UID={uid};SECTION=HEADER.FIELDS%20(SUBJECT)", person=ann)
    assert f"SEARCH {uid}" in curl(server, f"{inbox}?SUBJECT%20test", person=ann)
    curl(server, inbox, "--request", f"UID STORE {uid} +FLAGS (\\Answered)", person=ann)
    with server.imap(ann) as imap:
        imap.select()
        assert "\\Answered" in imap.flags(uid)


def test_submission_with_each_kind_of_tls(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    for url in (f"smtp://localhost:{server.port(SUBMISSION)}", f"smtps://localhost:{server.port(SUBMISSIONS)}"):
        sent = compose(ann.address, ann.address)
        file = tmp_path / "message.eml"
        file.write_bytes(sent.data)
        curl(
            server,
            url,
            "--ssl-reqd",
            "--mail-from",
            ann.address,
            "--mail-rcpt",
            ann.address,
            "--upload-file",
            file,
            person=ann,
        )
        with server.imap(ann) as imap:
            imap.wait_for(sent.message_id)


def test_append(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    sent = compose(SENDER, ann.address)
    file = tmp_path / "message.eml"
    file.write_bytes(sent.data)
    curl(server, f"imaps://localhost:{server.port(IMAPS)}/Archive", "--upload-file", file, person=ann)
    with server.imap(ann) as imap:
        assert imap.fetch(imap.wait_for(sent.message_id, "Archive")) == sent.data

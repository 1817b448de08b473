"""interimap keeps two accounts equal with QRESYNC: what one side gains, loses or flags, the other side gets."""

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
from tests.parts.clients import INTERIMAP
from tests.parts.required import needs

needs(INTERIMAP)
SENDER = f"carl@{HONEST}"
_SIDE = """
[{side}]
type = imaps
host = localhost
port = {port}
username = {user}
password = {password}
SSL_CAfile = {authority}
"""


class Pair:
    """Two accounts that interimap keeps equal; `further` is more configuration of what is synchronised."""

    def __init__(self, server: MailfoldServer, near: Person, far: Person, folder: Path, further: str = "") -> None:
        self._home = folder
        self._configuration = folder / "interimap.conf"
        sides = [
            _SIDE.format(
                side=side,
                port=server.port(IMAPS),
                user=person.address,
                password=person.password,
                authority=server.authority,
            )
            for side, person in (("local", near), ("remote", far))
        ]
        self._configuration.write_text(f"database = {folder}/pair.db\nlist-mailbox = *\n{further}" + "".join(sides))

    def sync(self) -> str:
        """Run interimap once; returns its output."""
        home = {**os.environ, "HOME": str(self._home), "XDG_CONFIG_HOME": str(self._home)}
        return run(INTERIMAP, "--config", self._configuration, env=home)


@pytest.fixture
def far(server: MailfoldServer) -> Person:
    """The user of the other side."""
    return server.people.person("far")


def test_both_sides_are_equal_after_each_run(server: MailfoldServer, ann: Person, far: Person, tmp_path: Path) -> None:
    pair = Pair(server, ann, far, tmp_path)
    pair.sync()
    mails = [compose(SENDER, ann.address, subject=f"number {number}") for number in range(30)]
    with server.imap(ann) as near_side, server.imap(far) as far_side:
        for mail in mails[:20]:
            near_side.append("INBOX", mail.data, "(\\Seen)")
        for mail in mails[20:]:
            far_side.append("Archive", mail.data)
        pair.sync()
        assert far_side.select() == 20 and len(far_side.uids("SEEN")) == 20
        assert near_side.select("Archive") == 10

        far_side.select()
        far_side.connection.uid("STORE", ",".join(map(str, far_side.uids("ALL")[:5])), "+FLAGS", "(\\Flagged)")
        far_side.connection.uid("STORE", ",".join(map(str, far_side.uids("ALL")[5:10])), "+FLAGS", "(\\Deleted)")
        far_side.connection.expunge()
        near_side.connection.create("New/Inner")
        pair.sync()
        assert near_side.select() == 15 and len(near_side.uids("FLAGGED")) == 5
        names = far_side.connection.list()[1]
        assert any(b"New/Inner" in line for line in names)


def test_a_second_run_changes_nothing(server: MailfoldServer, ann: Person, far: Person, tmp_path: Path) -> None:
    pair = Pair(server, ann, far, tmp_path)
    pair.sync()
    with server.imap(ann) as imap:
        for number in range(5):
            imap.append("INBOX", compose(SENDER, ann.address, subject=f"number {number}").data)
    pair.sync()
    with server.imap(far) as imap:
        before = imap.connection.status("INBOX", "(UIDNEXT HIGHESTMODSEQ MESSAGES)")
        pair.sync()
        assert imap.connection.status("INBOX", "(UIDNEXT HIGHESTMODSEQ MESSAGES)") == before

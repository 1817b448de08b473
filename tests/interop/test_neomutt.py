"""neomutt on a terminal, controlled by keys: open INBOX, read, save a copy, tag and delete."""

from __future__ import annotations

import os
from pathlib import Path

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run_on_terminal
from tests.parts.clients import NEOMUTT
from tests.parts.required import needs

needs(NEOMUTT)
SENDER = f"carl@{HONEST}"
_CONFIGURATION = """\
set imap_user = "{user}"
set imap_pass = "{password}"
set folder = "imaps://localhost:{port}/"
set spoolfile = "+INBOX"
set ssl_ca_certificates_file = "{authority}"
set ssl_verify_host = yes
set ssl_force_tls = yes
set wait_key = no
set confirm_append = no
set delete = yes
set quit = yes
set sleep_time = 0
set pipe_decode = no
set mail_check = 600
push "{keys}"
"""


def neomutt(server: MailfoldServer, person: Person, folder: Path, keys: str) -> str:
    """Start neomutt with INBOX and press these keys."""
    configuration = folder / "neomuttrc"
    values = {
        "user": person.address,
        "password": person.password,
        "port": server.port(IMAPS),
        "authority": server.authority,
        "keys": keys,
    }
    configuration.write_text(_CONFIGURATION.format(**values))
    home = {**os.environ, "HOME": str(folder), "TERM": "xterm", "LINES": "40", "COLUMNS": "120"}
    return run_on_terminal(NEOMUTT, "-n", "-F", configuration, env=home)


def test_read_save_and_delete(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    first, second = (
        compose(SENDER, ann.address, subject="the first"),
        compose(SENDER, ann.address, subject="the second"),
    )
    with server.imap(ann) as imap:
        imap.append("INBOX", first.data)
        imap.append("INBOX", second.data)
    copy = tmp_path / "read.eml"
    keys = (
        f"<first-entry><pipe-message>cat "
        f">{copy}<enter><copy-message><kill-line>=Archive<enter>"
        "<last-entry><flag-message><first-entry><delete-message><quit>"
    )
    neomutt(server, ann, tmp_path, keys)
    assert copy.read_bytes().replace(b"\r\n", b"\n") == first.data.replace(b"\r\n", b"\n")
    with server.imap(ann) as imap:
        assert imap.wait_for(first.message_id, "Archive")
        left = imap.wait_for(second.message_id)
        assert imap.uids("ALL") == [left]
        assert "\\Flagged" in imap.flags(left)

"""Each capability of IMAP that is announced has a script and a row in docs/rfc.md, and each row is announced."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.dialogs.script import scripts
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats
from tests.parts.required import needs

ROOT = Path(__file__).parents[2]
FOLDERS = (Path(__file__).parent / "imap", Path(__file__).parent / "imap-sharing")
SETTINGS = {
    "access.listen_starttls": "true",
    "access.uid_only": "true",
    "access.message_limit": "1000",
    "managesieve.listen": "true",
}


class Shown(NamedTuple):
    """Where a capability is shown: its RFC, and a line of a client in a dialog, or a test of another kind."""

    rfc: str
    line: str = ""
    test: str = ""


SHOWN = {
    "IMAP4rev1": Shown("3501", r"LSUB"),
    "IMAP4rev2": Shown("9051", r"ENABLE IMAP4rev2"),
    "LITERAL+": Shown("7888", r"LOGIN \{\S+\+\}"),
    "SASL-IR": Shown("4959", r"AUTHENTICATE PLAIN <<plain>>"),
    "ENABLE": Shown("5161", r"ENABLE CONDSTORE"),
    "ID": Shown("2971", r"ID \("),
    "STARTTLS": Shown("3501", r"STARTTLS"),
    "LOGINDISABLED": Shown("3501", r"LOGIN"),
    "AUTH=PLAIN": Shown("4616", r"AUTHENTICATE PLAIN"),
    "AUTH=LOGIN": Shown("4616", r"AUTHENTICATE LOGIN"),
    "IDLE": Shown("2177", r"IDLE"),
    "NAMESPACE": Shown("2342", r"NAMESPACE"),
    "UIDPLUS": Shown("4315", r"UID EXPUNGE"),
    "MOVE": Shown("6851", r"UID MOVE"),
    "UNSELECT": Shown("3691", r"UNSELECT"),
    "CHILDREN": Shown("3348", r'LIST "" .* RETURN \(.*CHILDREN'),
    "CONDSTORE": Shown("7162", r"UNCHANGEDSINCE"),
    "QRESYNC": Shown("7162", r"\(QRESYNC \("),
    "ESEARCH": Shown("4731", r"SEARCH RETURN \(.*COUNT"),
    "SEARCHRES": Shown("5182", r"SEARCH RETURN \(SAVE\)"),
    "WITHIN": Shown("5032", r"(YOUNGER|OLDER) \d"),
    "SORT": Shown("5256", r"SORT \("),
    "SORT=DISPLAY": Shown("5957", r"SORT \(.*DISPLAY"),
    "ESORT": Shown("5267", r"SORT RETURN \("),
    "THREAD=ORDEREDSUBJECT": Shown("5256", r"THREAD ORDEREDSUBJECT"),
    "THREAD=REFERENCES": Shown("5256", r"THREAD REFERENCES"),
    "THREAD=REFS": Shown("5256", r"THREAD REFS"),
    "MULTISEARCH": Shown("7377", r"ESEARCH IN \("),
    "SEARCH=FUZZY": Shown("6203", r"SEARCH RETURN \(RELEVANCY .* FUZZY"),
    "FILTERS": Shown("5466", r"FILTER \S"),
    "SAVEDATE": Shown("8514", r"SAVEDATE"),
    "CONTEXT=SEARCH": Shown("5267", r"SEARCH RETURN \(.*(CONTEXT|UPDATE)"),
    "CONTEXT=SORT": Shown("5267", r"SORT RETURN \(.*(CONTEXT|UPDATE)"),
    "LIST-EXTENDED": Shown("5258", r"LIST \(.*RECURSIVEMATCH"),
    "LIST-STATUS": Shown("5819", r"RETURN \(.*STATUS \("),
    "SPECIAL-USE": Shown("6154", r"LIST \(SPECIAL-USE\)"),
    "CREATE-SPECIAL-USE": Shown("6154", r"CREATE \S+ \(USE"),
    "OBJECTID": Shown("8474", r"EMAILID THREADID"),
    "STATUS=SIZE": Shown("8438", r"STATUS .*\(.*SIZE"),
    "MULTIAPPEND": Shown("3502", "", "tests/dialogs/imap/multiappend.txt"),
    "CATENATE": Shown("4469", r"CATENATE \("),
    "REPLACE": Shown("8508", r"REPLACE \d"),
    "PREVIEW": Shown("8970", r"PREVIEW \(LAZY\)"),
    "BINARY": Shown("3516", r"BINARY\.PEEK\["),
    "QUOTA": Shown("9208", r"GETQUOTAROOT"),
    "QUOTA=RES-STORAGE": Shown("9208", r"GETQUOTA"),
    "QUOTA=RES-MESSAGE": Shown("9208", "", "tests/e2e/test_quota.py"),
    "METADATA": Shown("5464", r"SETMETADATA"),
    "ACL": Shown("4314", r"SETACL"),
    "RIGHTS=texk": Shown("4314", r"LISTRIGHTS"),
    "LIST-MYRIGHTS": Shown("8440", r"RETURN \(.*MYRIGHTS"),
    "UNAUTHENTICATE": Shown("8437", r"UNAUTHENTICATE"),
    "INPROGRESS": Shown("9585", "", "tests/integration/access/test_progress.py"),
    "PARTIAL": Shown("9394", r"\(PARTIAL \d"),
    "UTF8=ACCEPT": Shown("9755", r"ENABLE UTF8=ACCEPT"),
    "LIST-METADATA": Shown("9590", r"RETURN \(.*METADATA \("),
    "NOTIFY": Shown("5465", r"NOTIFY SET"),
    "COMPRESS=DEFLATE": Shown("4978", "", "tests/integration/access/test_compression.py"),
    "IMAPSIEVE": Shown("6785", "", "tests/e2e/test_imap_sieve.py"),
    "MESSAGELIMIT": Shown("9738", "", "tests/integration/access/test_message_limit.py"),
    "UIDONLY": Shown("9586", r"ENABLE UIDONLY"),
    "APPENDLIMIT": Shown("7889", r"STATUS .*APPENDLIMIT"),
}
WITH_A_VALUE = ("IMAPSIEVE", "MESSAGELIMIT", "APPENDLIMIT")
_WITHOUT = {"2087", "5530"}
"""The RFC that RFC 9208 replaces, with the same capability, and that of response codes, which has none."""
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| (yes|part|no)[^|]*\| ([^|]*)\|$", re.MULTILINE)
_OF_IMAP = ("services/access/commands", "shared/protocol/imap", "services/access/session")


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """All names that a server lists which has everything switched on: in clear, under TLS and after the log-in."""
    needs(nats)
    with nats.NatsServer() as bus, ImapServer(tmp_path_factory.mktemp("imap"), bus.url, SETTINGS) as server:
        clear = socket.create_connection(("127.0.0.1", server.imap_port), 10)
        names = clear.makefile("rb").readline().split(b"]")[0].split()[3:]
        clear.close()
        client = ImapClient(server, "")
        names += client.greeting.split(b"]")[0].split()[3:]
        client = ImapClient(server)
        names += client.ok("CAPABILITY")[0].split()[2:]
        yield {_bare(name.decode()) for name in names}


def _bare(name: str) -> str:
    stem = name.partition("=")[0]
    return stem if stem in WITH_A_VALUE else name


def test_each_is_shown_and_announced(announced: set[str]) -> None:
    assert announced == SHOWN.keys()


@pytest.mark.parametrize("name", SHOWN)
def test_it_has_a_script(name: str) -> None:
    shown = SHOWN[name]
    if shown.test:
        assert (ROOT / shown.test).exists()
        return
    line = re.compile(rf"^C[:!].*{shown.line}", re.MULTILINE)
    assert any(line.search(path.read_text()) for folder in FOLDERS for path in scripts(folder)), shown.line


def test_each_row_of_the_table_is_announced() -> None:
    """A row of IMAP that is not *no* belongs to a capability that is announced, and each capability has a row."""
    rows = _ROW.findall((ROOT / "docs/rfc.md").read_text())
    of_imap, known = set[str](), set[str]()
    for numbers, _title, status, module in rows:
        rfcs = set(re.findall(r"\b\d{4}\b", numbers))
        if status == "no":
            continue
        known |= rfcs
        if any(place in module for place in _OF_IMAP):
            of_imap |= rfcs
    capable = {shown.rfc for shown in SHOWN.values()}
    assert capable - known == set(), "capabilities without a row"
    assert len(of_imap) > 40
    assert of_imap - capable - _WITHOUT == set(), "rows that nothing announces"

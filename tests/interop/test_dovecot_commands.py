"""All other commands in Mailfold and in Dovecot; every difference is listed and justified (docs/imap-differences.md).

MAILFOLD_TEST_PROGRAMS=200 makes the long run.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.imap_wire import Wire, fetched, literal
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.interop.differential import OWN_MAILS, Both, fetch_differences
from tests.parts.dovecot import Dovecot
from tests.parts.required import needs

needs(Dovecot)
pytestmark = pytest.mark.timeout(1800)
_PROGRAMS = int(os.environ.get("MAILFOLD_TEST_PROGRAMS", "4"))
_STEPS = 40
_COMMANDS = Path(__file__).parent / "commands"
_JUSTIFIED = frozenset((_COMMANDS / "justified.txt").read_text("utf-8").splitlines())
_ITEMS = (
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "RFC822.SIZE",
    "INTERNALDATE",
    "FLAGS",
    "RFC822.HEADER",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]",
    "BODY.PEEK[2]",
    "BODY.PEEK[2.MIME]",
    "BODY.PEEK[2.HEADER]",
    "BODY.PEEK[2.TEXT]",
    "BODY.PEEK[2.2]",
    "BODY.PEEK[1.HEADER]",
    "BODY.PEEK[99]",
    "BODY.PEEK[]<10.100>",
    "BODY.PEEK[TEXT]<0.20>",
    "BODY.PEEK[]<1000000.5>",
    "BODY.PEEK[2]<3.9>",
    "BODY[]",
    "RFC822",
    "RFC822.TEXT",
    "ALL",
    "FAST",
    "FULL",
    "BODY.PEEK[HEADER.FIELDS (subject FROM x-none)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (Subject Received)]",
    "BODY.PEEK[HEADER.FIELDS (From)]<2.5>",
    "BODY.PEEK[2.HEADER.FIELDS (Subject)]",
)
_ODD_MESSAGES = re.compile(r"bound|semicolon|base64|nopart|boundary|infinite|multi-digest|missing|noheader")
"""Messages of the corpora whose structure is broken or encoded, in which servers see different parts."""
_FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "\\Answered", "\\Draft", "work", "Later")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server whose users have mailboxes of their own."""
    with Dovecot(further=OWN_MAILS) as running:
        yield running


@pytest.fixture
def both(server: MailfoldServer, ann: Person, dovecot: Dovecot) -> Iterator[Both]:
    """A new user of both servers."""
    connections = Both.connect(server, ann, dovecot)
    yield connections
    connections.close()


def _mail(number: int) -> bytes:
    return b"Subject: m%d\r\nFrom: a@b.c\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\nbody %d\r\n" % (number, number)


def _play(both: Both, script: str) -> None:
    """Fails on every difference that is not listed, and on listed ones that are gone."""
    commands = [line for line in (_COMMANDS / script).read_text("utf-8").splitlines() if not line.startswith("#")]
    differences = {command: difference for command in commands if (difference := both.differ(command))}
    assert [text for command, text in differences.items() if command not in _JUSTIFIED] == []
    assert [command for command in commands if command in _JUSTIFIED - differences.keys()] == []


def test_commands_about_mailboxes(both: Both) -> None:
    _play(both, "names.txt")


def test_commands_about_messages(both: Both) -> None:
    for name in ("b1", "b2", "b3"):
        both.ok(f"CREATE {name}")
    flags = (b"", b"\\Seen", b"\\Flagged kw1", b"\\Deleted", b"kw2 \\Draft")
    for number in range(12):
        head = b'APPEND b1 (%b) " 1-Feb-2020 10:00:%02d +0000" ' % (flags[number % 5], number)
        assert both.differ(head + literal(_mail(number))) == ""
    pair = (literal(_mail(20)), literal(_mail(21)))
    for end in (
        b"%b %b" % pair,
        b'(\\Seen) %b (\\Flagged) "01-Jan-2021 00:00:00 +0100" %b' % pair,
        b"CATENATE (TEXT %b TEXT %b)" % pair,
        b'CATENATE (URL "/b1/;UID=1/;SECTION=HEADER" TEXT {3+}\r\nabc)',
        b'CATENATE (URL "/b1/;UID=999")',
        b'CATENATE (URL "/nonex/;UID=1")',
        b'CATENATE (URL "bogus:")',
        b'"bad date" {3+}\r\nabc',
        b"(\\Bogus) {3+}\r\nabc",
    ):
        assert both.differ(b"APPEND b1 " + end) == ""
    _play(both, "messages.txt")


def test_what_fetch_shows_of_the_corpora(both: Both, test_data: Path) -> None:
    files = sorted((test_data / "mime").glob("*/*.msg"))
    mails = [(file.name, re.sub(rb"\r?\n", b"\r\n", file.read_bytes()).replace(b"\0", b"?")) for file in files]
    mails = [mail for mail in mails if not _ODD_MESSAGES.search(mail[0])]
    _compare_fetches(both, mails)


def _compare_fetches(both: Both, mails: list[tuple[str, bytes]]) -> None:
    both.ok("CREATE corpus")
    for _, data in mails:
        both.ok(b'APPEND corpus " 1-Mar-2020 10:00:00 +0200" ' + literal(data))
    both.ok("SELECT corpus")
    differences = [
        f"{mails[number - 1][0]} {text[:1000]}"
        for items in _ITEMS
        for number, text in fetch_differences(both, items).items()
    ]
    assert differences == []


class Program:
    """Random commands of two connections, the same for both servers."""

    def __init__(self, both: Both, other: Both, seed: int) -> None:
        self._both, self._other = both, other
        self._chance = random.Random(seed)
        self._number = 0
        self.acts = [
            self._append,
            self._append,
            *[self._store] * 3,
            *[self._copy] * 2,
            self._expunge,
            self._elsewhere,
            self._search,
            self._select,
        ]

    def step(self) -> str:
        """One command in both; returns how the answers or the mailboxes differ."""
        return self._chance.choice(self.acts)() or self._state()

    def _state(self) -> str:
        self._both.ok("NOOP")
        status = "STATUS {} (MESSAGES UIDNEXT UNSEEN SIZE)"
        return "\n".join(
            filter(
                None,
                [
                    self._both.differ("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)"),
                    *[self._other.differ(status.format(name)) for name in ("b1", "b2")],
                ],
            )
        )

    def _uids(self) -> str:
        first = self._chance.randrange(1, 30)
        last = self._chance.choice([str(first), str(self._chance.randrange(1, 40)), "*"])
        return f"{first}:{last},{self._chance.randrange(1, 40)}"

    def _flags(self) -> str:
        return " ".join(self._chance.sample(_FLAGS, self._chance.randrange(3)))

    def _append(self) -> str:
        self._number += 1
        head = f'APPEND {self._box()} ({self._flags()}) "0{self._chance.randrange(1, 9)}-Mar-2021 10:00:00 +0100" '
        return self._both.differ(head.encode() + literal(_mail(self._number)))

    def _box(self) -> str:
        return self._chance.choice(("b1", "b2"))

    def _store(self) -> str:
        mode = self._chance.choice(("", "+", "-"))
        return self._both.differ(f"UID STORE {self._uids()} {mode}FLAGS.SILENT ({self._flags()})")

    def _copy(self) -> str:
        return self._both.differ(f"UID {self._chance.choice(('COPY', 'MOVE'))} {self._uids()} {self._box()}")

    def _expunge(self) -> str:
        return self._both.differ(self._chance.choice(("EXPUNGE", f"UID EXPUNGE {self._uids()}", "CLOSE"))) or (
            self._select()
        )

    def _elsewhere(self) -> str:
        """Another connection changes the mailbox."""
        self._other.ok(f"SELECT {self._box()}")
        difference = self._other.differ(f"UID STORE {self._uids()} +FLAGS.SILENT (\\Deleted)")
        difference = difference or self._other.differ(self._chance.choice(("EXPUNGE", "NOOP")))
        self._other.ok("UNSELECT")  # STATUS of the selected mailbox may be what the session knows (RFC 3501 §6.3.10)
        return difference

    def _search(self) -> str:
        returned = self._chance.choice(("", "RETURN () ", "RETURN (MIN MAX) ", "RETURN (COUNT ALL) ", "RETURN (MIN) "))
        key = self._chance.choice(("ALL", "SEEN", "UNDELETED", "KEYWORD work", f"UID {self._uids()}", "NOT FLAGGED"))
        return self._both.differ(f"{self._chance.choice(('', 'UID '))}SEARCH {returned}{key}")

    def _select(self) -> str:
        answers = self._both.ok(f"{self._chance.choice(('SELECT', 'SELECT', 'EXAMINE'))} {self._box()}")
        self._both.ok(f"SELECT {self._box()}")
        counts = [[line[0] for line in answer.lines if line[1:] == (b"EXISTS",)] for answer in answers]
        return "" if counts[0] == counts[1] else f"EXISTS {counts}"


@pytest.mark.parametrize("seed", range(_PROGRAMS))
def test_random_programs(server: MailfoldServer, ann: Person, dovecot: Dovecot, seed: int) -> None:
    both, other = (Both.connect(server, ann, dovecot) for _ in range(2))
    for name in ("b1", "b2"):
        both.ok(f"CREATE {name}")
    both.ok("SELECT b1")
    program = Program(both, other, seed)
    for number in range(_STEPS):
        assert program.step() == "", f"step {number}"
    both.close()
    other.close()


@pytest.mark.parametrize("seed", range(_PROGRAMS))
def test_resynchronization(server: MailfoldServer, ann: Person, dovecot: Dovecot, seed: int) -> None:
    """After random changes, SELECT with QRESYNC leads a client of each server to the same messages and flags."""
    first, other = (Both.connect(server, ann, dovecot) for _ in range(2))
    for name in ("b1", "b2"):
        first.ok(f"CREATE {name}")
    for number in range(20):
        first.ok(b'APPEND b1 "01-Feb-2020 10:00:00 +0000" ' + literal(_mail(number)))
    clients = [Client(wire) for wire in first]
    other.ok("SELECT b1")
    program = Program(other, first, seed)
    for _ in range(4):
        for _ in range(8):
            assert program.step() == ""
        states = [client.come_back() for client in clients]
        assert states[0] == states[1]
        assert states[0] == clients[0].truth()
    first.close()
    other.close()


class Client:
    """A client that keeps b1 by QRESYNC alone (RFC 7162 §3.2.5)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        wire.ok("ENABLE QRESYNC")
        self._validity = self._modseq = b""
        self.flags: dict[int, list[str]] = {}

    def come_back(self) -> dict[int, list[str]]:
        """Select again with what is remembered; returns the flags by UID."""
        known = b" (QRESYNC (%b %b))" % (self._validity, self._modseq) if self._validity else b""
        answer = self._wire.ok(b"SELECT b1" + known)
        for line in answer.raw:
            if gone := re.fullmatch(rb"\* VANISHED \(EARLIER\) ([0-9:,]+)", line):
                for uid in _numbers(gone[1]):
                    self.flags.pop(uid, None)
            self._validity = _code(line, b"UIDVALIDITY") or self._validity
            self._modseq = _code(line, b"HIGHESTMODSEQ") or self._modseq
        self._note(fetched(answer))
        if not known:
            self._note(fetched(self._wire.ok("UID FETCH 1:* (FLAGS)")))
        self._wire.ok("UNSELECT")
        return self.flags

    def truth(self) -> dict[int, list[str]]:
        """All flags, read anew."""
        self._wire.ok("EXAMINE b1")
        messages = fetched(self._wire.ok("UID FETCH 1:* (FLAGS)"))
        self._wire.ok("UNSELECT")
        return dict(map(_entry, messages.values()))

    def _note(self, messages: dict[int, dict[bytes, object]]) -> None:
        self.flags.update(map(_entry, messages.values()))


def _entry(items: dict[bytes, object]) -> tuple[int, list[str]]:
    flags = items[b"FLAGS"]
    assert isinstance(flags, tuple)
    return int(items[b"UID"]), sorted(repr(flag) for flag in flags if flag != b"\\Recent")  # type: ignore[call-overload]


def _code(line: bytes, name: bytes) -> bytes:
    match = re.search(rb"\[%b ([0-9]+)\]" % name, line)
    return match[1] if match else b""


def _numbers(ranges: bytes) -> Iterator[int]:
    for word in ranges.split(b","):
        low, _, high = word.partition(b":")
        yield from range(int(low), int(high or low) + 1)

"""What users may do with access control lists: many entries, identifiers and names without end, wildcards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.mailstore.settings import MailstoreSettings
from tests.harness.imap import Imap, No
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

LIMIT = MailstoreSettings().access_entries


@pytest.fixture(scope="module")
def sharing() -> Iterator[MailfoldServer]:
    """A server on which mailboxes are shared."""
    with MailfoldServer(settings={"MAILFOLD_SHARING_ENABLED": "true"}) as running:
        yield running


def refused(imap: Imap, line: bytes, text: str) -> None:
    with pytest.raises(No, match=text):
        imap.command(line)


def quoted(person: Person, name: str) -> bytes:
    return f'"Other Users/{person.address}/{name}"'.encode()


def test_identifiers_and_rights_without_end_are_refused(sharing: MailfoldServer) -> None:
    ann, bob = sharing.people.people("ann", "bob")
    sharing.followed()
    with sharing.imap(ann) as imap, sharing.imap(bob) as other:
        refused(imap, b"SETACL INBOX {1000000+}\r\n" + b"x" * 1_000_000 + b" lr", "TOOBIG|BAD")
        refused(imap, b'SETACL INBOX "%b" lr' % (b"x" * 5_000), "BAD")
        refused(imap, b'SETACL INBOX "" lr', "BAD")
        refused(imap, b'SETACL INBOX "-" lr', "CANNOT")
        refused(imap, b'SETACL INBOX "%b" lr' % (b"-" * 300), "CANNOT")
        refused(imap, b"SETACL INBOX %b %b" % (bob.address.encode(), b"lq" * 2_000), "BAD")
        imap.command(b"SETACL INBOX %b %b" % (bob.address.encode(), b"l" * 2_000))
        for identifier in (b"anyone", b'"*"', b'"%"', b"owner", b"authuser", b'"\xff"'):
            refused(imap, b"SETACL INBOX %b lr" % identifier, "CANNOT|BAD")
        other.command(b"MYRIGHTS " + quoted(ann, "INBOX"))


def test_names_of_others_with_wildcards_and_depth_find_nothing(sharing: MailfoldServer) -> None:
    ann, bob = sharing.people.people("ann", "bob")
    sharing.followed()
    with sharing.imap(ann) as imap, sharing.imap(bob) as other:
        imap.command(b"SETACL INBOX %b lr" % bob.address.encode())
        for name in ("*", "%", "Other Users", "Other Users/", "Other Users//INBOX", "Other Users/*/INBOX"):
            refused(other, b'SELECT "%b"' % name.encode(), "NO|BAD")
        refused(other, b'SELECT "Other Users/%b/INBOX"' % (b"x" * 900), "NO|BAD")
        refused(other, b'SELECT "Other Users/%b"' % (b"x/" * 450), "NO|BAD")
        refused(other, b'SELECT "Shared/%b/INBOX"' % ann.address.encode(), "NONEXISTENT")
        refused(other, b'CREATE "Other Users/%b/x"' % ann.address.encode(), "NOPERM")
        refused(other, b'CREATE "Other Users/x"', "NONEXISTENT")
        other.command(b'LIST "" "%b"' % (b"*%" * 400))
        other.command(b"SELECT " + quoted(ann, "INBOX"))


def test_a_list_has_an_end(sharing: MailfoldServer) -> None:
    """The list of a mailbox takes so many entries, and its owner's other commands are answered as before."""
    ann = sharing.people.person("ann")
    others = sharing.people.people(*["reader"] * (LIMIT + 1))
    sharing.followed()
    with sharing.imap(ann) as imap, sharing.imap(others[0]) as other:
        for person in others[:LIMIT]:
            imap.command(f"SETACL INBOX {person.address} lr".encode())
        refused(imap, f"SETACL INBOX {others[LIMIT].address} lr".encode(), "LIMIT")
        imap.command(b"GETACL INBOX")
        imap.command(b"CREATE INBOX/Below")
        other.command(b"SELECT " + quoted(ann, "INBOX/Below"))
        imap.command(f"DELETEACL INBOX {others[0].address}".encode())
        imap.command(f"SETACL INBOX {others[LIMIT].address} lr".encode())


def test_a_search_that_asks_what_was_read_without_end(sharing: MailfoldServer) -> None:
    r"""Where \Seen is the user's own, SEEN becomes UIDs: too many of them are refused, and others are answered."""
    ann, bob = sharing.people.people("ann", "bob")
    sharing.followed()
    with sharing.imap(ann) as imap, sharing.imap(bob) as other:
        imap.command(b"CREATE Full")
        for _ in range(10):
            literals = b" {3+}\r\nx\r\n" * 100
            imap.command(b"APPEND Full" + literals)
        imap.command(f"SETACL Full {bob.address} lrswi".encode())
        refused(imap, b'SETMETADATA Full (/shared/vendor/mailfold/seen "%b")' % (b"own" * 300), "CANNOT")
        imap.command(b'SETMETADATA Full (/shared/vendor/mailfold/seen "own")')
        other.command(b"SELECT " + quoted(ann, "Full"))
        odd = b",".join(b"%d" % number for number in range(1, 1000, 2))
        other.command(b"STORE " + odd + b" +FLAGS.SILENT (\\Seen)")
        refused(other, b"SEARCH " + b"OR SEEN UNSEEN " * 300 + b"SEEN", "LIMIT|too often|BAD")
        refused(other, b"SEARCH " + b" ".join(b"MODSEQ %d" % number for number in range(1, 50)), "LIMIT|MODSEQ")
        other.command(b"SEARCH OR SEEN UNSEEN SEEN")
        other.command(b"STORE " + odd + b" -FLAGS.SILENT (\\Seen)")
        imap.command(b"STATUS Full (UNSEEN)")

"""What a user may ask of SORT, THREAD, ESEARCH and updated searches: thousands of keys, of updates, of sources and of
filters. The harm stays the user's own, and others are served."""

from __future__ import annotations

import re

import pytest

from services.access.settings import AccessSettings
from tests.harness.imap import Imap, No
from tests.harness.server import MailfoldServer

_UPDATES = AccessSettings().search_updates
_CHAIN = 1000


def _mail(number: int, parent: int) -> bytes:
    return b"Message-ID: <%d@x>\r\nReferences: <%d@x>\r\nSubject: Re: [x] %d\r\n\r\n" % (number, parent, number)


def _append(imap: Imap, mails: list[bytes]) -> None:
    literals = b" ".join(b"{%d+}\r\n%b" % (len(mail), mail) for mail in mails)
    imap.command(b"APPEND INBOX " + literals)


def test_chains_rings_and_criteria_without_end(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    with server.imap(ann) as imap, server.imap(bob) as other:
        ring = [_mail(number, number % _CHAIN + 1) for number in range(1, _CHAIN + 1)]
        _append(imap, ring[: _CHAIN // 2])
        _append(imap, ring[_CHAIN // 2 :])
        imap.select()
        for algorithm in ("REFERENCES", "REFS", "ORDEREDSUBJECT"):
            _, data = imap.connection.uid("THREAD", algorithm, "UTF-8", "ALL")
            assert sorted(map(int, re.findall(r"[0-9]+", data[0].decode()))) == [*range(1, _CHAIN + 1)]
        imap.command(b"SORT (" + b"REVERSE SIZE " * 4500 + b"DATE) UTF-8 ALL")
        for line in (
            b"SORT (" + b"SIZE " * 12_000 + b"SIZE) UTF-8 ALL",
            b"SORT (" + b"(" * 30_000 + b") UTF-8 ALL",
            b"THREAD REFERENCES UTF-8 " + b"(" * 30_000,
            b"CANCELUPDATE" + b' "x"' * 5000,
            b"ESEARCH IN (" + b"personal " * 5000 + b"personal) ALL",
        ):
            with pytest.raises(No, match="BAD"):
                imap.command(line)
        other.command(b"NOOP")


def test_thousands_of_updated_searches(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap, server.imap(ann) as other:
        _append(imap, [_mail(1, 2)])
        imap.select()
        other.select()
        imap.connection.send(
            b"".join(b"u%d UID SEARCH RETURN (UPDATE COUNT) FLAGGED\r\n" % number for number in range(2000))
        )
        refused, done = 0, 0
        while done < 2000:
            line = imap.connection.readline()
            refused += line.startswith(b'* NO [NOUPDATE "u')
            done += b"OK SEARCH completed" in line
        assert refused == 2000 - _UPDATES
        other.store(1, "+FLAGS (\\Flagged)")
        imap.connection.noop()
        updates = imap.responses("ESEARCH")
        assert len([line for line in updates if b"ADDTO (0 1)" in (line or b"")]) == _UPDATES


def test_filters_in_filters(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap:
        imap.select()
        for number in range(40):
            inner = f"FILTER f{number + 1} FILTER f{number + 1}"
            imap.command(f'SETMETADATA "" (/private/filters/values/f{number} "{inner}")'.encode())
        with pytest.raises(No, match="LIMIT"):
            imap.command(b"SEARCH FILTER f0")
        with pytest.raises(No, match="UNDEFINED-FILTER"):
            imap.command(b"SEARCH " + b" ".join(b"FILTER x%d" % number for number in range(1500)))
        imap.command(b"NOOP")

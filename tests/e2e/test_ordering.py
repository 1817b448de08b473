"""SORT and THREAD of a mailbox of more than a thousand messages, compared with what Python's own modules say."""

from __future__ import annotations

import email
import email.header
import email.policy
import re
import unicodedata
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, NamedTuple

import pytest

from tests.harness.conversations import SpokenMail, conversations
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

pytestmark = pytest.mark.timeout(600)
_COUNT = 1100
_MARK = re.compile(r"^(\[[^\]]*\]\s*)?(re|fwd?)\s*:\s*|\s*\(fwd\)\s*$|^\[[^\]]*\]\s*(?=.)", re.IGNORECASE)


class _Oracle(NamedTuple):
    uid: int
    arrived: float
    sent: float
    size: int
    subject: str
    sender: str
    shown_sender: str
    id: str
    parent: str


def _read(uid: int, mail: SpokenMail) -> _Oracle:
    message = email.message_from_bytes(mail.data, policy=email.policy.compat32)
    _, address = parseaddr(_text(message["From"]))
    return _Oracle(
        uid,
        mail.arrived.timestamp(),
        parsedate_to_datetime(message["Date"]).timestamp(),
        len(mail.data),
        _base(_text(message["Subject"])),
        _folded(address.rpartition("@")[0]),
        _folded(_display(message) or address),
        message["Message-ID"],
        (message["References"] or "").rpartition(" ")[2],
    )


def _display(message: Any) -> str:
    parsed = email.message_from_bytes(b"From: " + message["From"].encode() + b"\n\n", policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return str(parsed["From"].addresses[0].display_name)


def _text(value: str | None) -> str:
    return str(email.header.make_header(email.header.decode_header(value or "")))


def _base(subject: str) -> str:
    text = re.sub(r"\s+", " ", subject).strip()
    while (shorter := _MARK.sub("", text)) != text:
        text = shorter
    return _folded(text)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text.title() if not text.isascii() else text.upper()).upper()


def _threads(roots: Sequence[_Oracle], children: dict[str, list[_Oracle]]) -> str:
    def write(mail: _Oracle) -> str:
        below = sorted(children.get(mail.id, []), key=lambda child: (child.sent, child.uid))
        if len(below) == 1:
            return f"{mail.uid} {write(below[0])}"
        return f"{mail.uid}" + (" " + "".join(f"({write(child)})" for child in below) if below else "")

    return "".join(f"({write(root)})" for root in roots)


def _refs(mails: Sequence[_Oracle]) -> str:
    children: dict[str, list[_Oracle]] = {}
    for mail in mails:
        children.setdefault(mail.parent, []).append(mail)

    def newest(mail: _Oracle) -> tuple[float, int]:
        return max([(mail.sent, mail.uid), *map(newest, children.get(mail.id, []))])

    return _threads(sorted(children[""], key=newest), children)


def _ordered_subject(mails: Sequence[_Oracle]) -> str:
    groups: dict[str, list[_Oracle]] = {}
    for mail in sorted(mails, key=lambda mail: (mail.sent, mail.uid)):
        groups.setdefault(mail.subject, []).append(mail)
    shown = []
    for root, *rest in groups.values():
        shown.append(_threads([root], {root.id: rest}) if rest else f"({root.uid})")
    return "".join(shown)


_KEYS: dict[str, Callable[[_Oracle], Any]] = {
    "ARRIVAL": lambda mail: mail.arrived,
    "DATE": lambda mail: mail.sent,
    "SIZE": lambda mail: mail.size,
    "SUBJECT": lambda mail: mail.subject,
    "FROM": lambda mail: mail.sender,
    "DISPLAYFROM": lambda mail: mail.shown_sender,
}


def test_a_large_mailbox_is_sorted_and_threaded(server: MailfoldServer) -> None:
    ann = server.people.person("sorter")
    mails = list(conversations(5256, _COUNT, odd=False))
    known = [_read(uid, mail) for uid, mail in enumerate(mails, 1)]
    with server.imap(ann) as imap:
        for mail in mails:
            imap.connection.append("INBOX", f"({mail.flags})", mail.arrived, mail.data)
        assert imap.select() == _COUNT
        for field, key in _KEYS.items():
            assert _answer(imap.connection, "SORT", f"({field})") == _numbers(sorted(known, key=key)), field
            reverse = sorted(known, key=key, reverse=True)
            assert _answer(imap.connection, "SORT", f"(REVERSE {field})") == _numbers(reverse), field
        both = sorted(known, key=lambda mail: (mail.subject, mail.sent))
        assert _answer(imap.connection, "SORT", "(SUBJECT DATE)") == _numbers(both)
        assert _answer(imap.connection, "THREAD", "REFS") == _refs(known)
        assert _answer(imap.connection, "THREAD", "ORDEREDSUBJECT") == _ordered_subject(known)


def test_a_sorted_list_that_a_client_follows_is_the_list_that_it_would_get(
    server: MailfoldServer,
) -> None:
    """Another session changes flags, removes and adds messages; ADDTO and REMOVEFROM say where (RFC 5267 §4.3)."""
    ann: Person = server.people.person("follower")
    mails = list(conversations(5267, 400))
    criteria = "(REVERSE SUBJECT FROM)"
    with server.imap(ann) as imap, server.imap(ann) as other:
        for mail in mails[:300]:
            imap.connection.append("INBOX", f"({mail.flags})", mail.arrived, mail.data)
        imap.select()
        other.select()
        imap.connection.uid("SORT", "RETURN", "(ALL UPDATE)", criteria, "UTF-8", "FLAGGED")
        results = _expanded(_last(imap.connection).partition(" ALL ")[2])
        for step in range(10):
            other.connection.uid(
                "STORE", f"{step * 20 + 1}:{step * 20 + 9}", "+FLAGS" if step % 2 else "-FLAGS", "\\Flagged"
            )
            other.connection.uid("STORE", f"{step * 20 + 12}:{step * 20 + 14}", "+FLAGS", "\\Deleted")
            other.connection.expunge()
            for mail in mails[300 + 10 * step : 300 + 10 * (step + 1)]:
                other.connection.append("INBOX", f"({mail.flags})", mail.arrived, mail.data)
            imap.connection.untagged_responses.clear()
            imap.connection.noop()
            for line in imap.responses("ESEARCH"):
                _apply(results, (line or b"").decode())
            imap.connection.untagged_responses.clear()
            answer = _answer(imap.connection, "SORT", criteria, "FLAGGED")
            assert _numbers_of(results) == answer, step


def _apply(results: list[int], line: str) -> None:
    for name, pairs in re.findall(r"(ADDTO|REMOVEFROM) \(([^)]*)\)", line):
        words = pairs.split()
        for position, numbers in zip(words[::2], words[1::2], strict=True):
            at = int(position) - 1
            for uid in _expanded(numbers):
                if name == "ADDTO":
                    results.insert(at, uid)
                    at += 1
                else:
                    assert results.pop(at) == uid


def _expanded(text: str) -> list[int]:
    numbers: list[int] = []
    for element in filter(None, text.split(",")):
        first, _, last = element.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _last(connection: Any) -> str:
    return str(connection.untagged_responses["ESEARCH"][-1].decode())


def _answer(connection: Any, name: str, what: str, key: str = "ALL") -> str:
    _, data = connection.uid(name, what, "UTF-8", key)
    return str((data[0] or b"").decode())


def _numbers(mails: Sequence[_Oracle]) -> str:
    return _numbers_of([mail.uid for mail in mails])


def _numbers_of(uids: Sequence[int]) -> str:
    return " ".join(map(str, uids))

"""The All Mail mailbox as mail clients see it: made by a switch, one row for each message, with UIDs of its own."""

from __future__ import annotations

import poplib
import re
from collections.abc import Iterator

import pytest

from tests.harness.imap import Imap, No
from tests.harness.mails import RenderedMail, compose
from tests.harness.managesieve import ManageSieve
from tests.harness.people import Person
from tests.harness.ports import MANAGESIEVE, POP3S
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
ALL = "All Mail"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A user with mail in INBOX, Archive and Spam, whose switch is turned on afterwards."""
    person = server.people.person("all")
    with server.imap(person) as imap:
        for mailbox, number in (("INBOX", 1), ("INBOX", 2), ("Archive", 3), ("Spam", 4)):
            imap.append(mailbox, mail(person, number).data)
    server.command("account", "all-mail", person.address, "on")
    return person


@pytest.fixture
def imap(server: MailfoldServer, ann: Person) -> Iterator[Imap]:
    """A client of hers, once the mailbox is there and shows what was there before."""
    with server.imap(ann) as client:
        until(lambda: ALL.encode() in b"".join(client.connection.list()[1]), "All Mail in LIST")
        until(lambda: client.count(ALL) == 3, "the messages that were there before")
        yield client


def mail(person: Person, number: int) -> RenderedMail:
    """A mail whose subject has the number."""
    return compose(SENDER, person.address, subject=f"number {number}")


def ask(imap: Imap, command: str) -> list[bytes]:
    """The lines of an answer, of which the last is the tagged OK."""
    imap.connection.send(b"q1 " + command.encode() + b"\r\n")
    lines = [imap.connection.readline().rstrip()]
    while not lines[-1].startswith(b"q1 "):
        lines.append(imap.connection.readline().rstrip())
    assert lines[-1].startswith(b"q1 OK"), lines[-1]
    return lines


def subjects(imap: Imap) -> dict[int, str]:
    """The numbers of the selected mailbox by UID."""
    return {uid: imap.fetch(uid, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]").split()[-1].decode() for uid in imap.uids("ALL")}


def test_it_shows_what_is_in_the_other_mailboxes(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    listed = next(line for line in imap.connection.list()[1] if ALL.encode() in line)
    assert b"\\All" in listed
    assert ALL.encode() not in b"".join(imap.connection.lsub()[1])
    imap.select(ALL)
    before = subjects(imap)
    assert sorted(before.values()) == ["1", "2", "3"]
    delivered = mail(ann, 5)
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], delivered.data)
    assert imap.wait_for(delivered.message_id, ALL) == max(before) + 1
    assert imap.uids("SUBJECT", '"number 3"') == [uid for uid, number in before.items() if number == "3"]


def test_a_mail_keeps_its_uid_while_it_moves(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    imap.select(ALL)
    before = subjects(imap)
    with server.imap(ann) as other:
        other.select("INBOX")
        other.move("1", "Archive")
        other.move("2", "Trash")
    imap.connection.noop()
    assert subjects(imap) == {uid: number for uid, number in before.items() if number != "2"}
    with server.imap(ann) as other:
        other.select("Trash")
        other.move("1", "INBOX")
    imap.connection.noop()
    after = subjects(imap)
    assert sorted(after.values()) == ["1", "2", "3"]
    assert next(uid for uid, number in after.items() if number == "2") > max(before)
    server.restart()
    with server.imap(ann) as again:
        again.select(ALL)
        assert subjects(again) == after


def test_flags_set_through_it_are_those_of_the_message(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    imap.select(ALL)
    uids = {number: uid for uid, number in subjects(imap).items()}
    imap.store(uids["1"], "+FLAGS (\\Flagged $Work)")
    imap.store(uids["3"], "+FLAGS (\\Seen)")
    assert imap.flags(uids["1"]) >= {"\\Flagged", "$Work"}
    imap.fetch(uids["2"], "BODY[]")
    with server.imap(ann) as other:
        other.select("INBOX")
        assert other.flags(1) >= {"\\Flagged", "$Work"} and "\\Seen" in other.flags(2)
        other.store(1, "-FLAGS (\\Flagged)")
        other.select("Archive")
        assert "\\Seen" in other.flags(1)
    imap.connection.noop()
    assert "\\Flagged" not in imap.flags(uids["1"])
    assert imap.count(ALL) == 3 and b"UNSEEN 1" in imap.connection.status(f'"{ALL}"', "(UNSEEN)")[1][0]


def test_an_expunged_message_can_be_restored_from_its_mailbox(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    imap.select(ALL)
    uids = {number: uid for uid, number in subjects(imap).items()}
    imap.store(uids["1"], "+FLAGS (\\Deleted)")
    imap.connection.expunge()
    assert sorted(subjects(imap).values()) == ["2", "3"]
    with server.imap(ann) as other:
        assert other.select("INBOX") == 1
    removed = server.command.json("mailbox", "deleted", ann.address)
    assert [(message["mailbox"], message["subject"]) for message in removed] == [("INBOX", "number 1")]


def test_copy_and_move_out_of_it(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    imap.connection.create("Work")
    imap.select(ALL)
    uids = {number: uid for uid, number in subjects(imap).items()}
    both = f"{uids['1']},{uids['3']}"
    imap.move(both, "Work")
    assert sorted(subjects(imap).values()) == ["1", "2", "3"]
    assert (imap.count("INBOX"), imap.count("Archive"), imap.count("Work")) == (1, 0, 2)
    imap.connection.uid("COPY", both, "Drafts")
    assert imap.count("Drafts") == 2
    imap.move(str(uids["2"]), "Trash")
    imap.connection.noop()
    assert sorted(subjects(imap).values()) == ["1", "1", "3", "3"]
    with pytest.raises(No):
        imap.command(b"UID MOVE 1:* Nowhere")


def test_what_clients_put_into_it_is_archived(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    imap.select("INBOX")
    imap.move("1", ALL)
    assert (imap.count("INBOX"), imap.count("Archive"), imap.count(ALL)) == (1, 2, 3)
    imap.connection.uid("COPY", "2", f'"{ALL}"')
    assert (imap.count("INBOX"), imap.count("Archive"), imap.count(ALL)) == (1, 2, 3)
    imap.append(ALL, mail(ann, 7).data)
    assert (imap.count("Archive"), imap.count(ALL)) == (3, 4)
    for command in (f'DELETE "{ALL}"', f'RENAME "{ALL}" Other', f'CREATE "{ALL}"'):
        with pytest.raises(No):
            imap.command(command.encode())


def test_the_switch_ends_it(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    server.command("account", "all-mail", ann.address, "off")
    until(lambda: ALL.encode() not in b"".join(imap.connection.list()[1]), "no All Mail in LIST")
    assert (imap.count("INBOX"), imap.count("Archive"), imap.count("Spam")) == (2, 1, 1)
    server.command("account", "all-mail", ann.address, "on")
    until(lambda: ALL.encode() in b"".join(imap.connection.list()[1]), "All Mail again")
    until(lambda: imap.count(ALL) == 3, "its messages")
    assert server.command.json("verify")


def test_commands_that_only_read_know_it(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    """LIST, STATUS, ESEARCH, SORT, THREAD, PREVIEW and NOTIFY there; ACL leaves it to its owner."""
    listed = ask(imap, 'LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED STATUS (MESSAGES UNSEEN))')
    assert rb'* LIST (\HasNoChildren \All) "/" "All Mail"' in listed
    assert b'* STATUS "All Mail" (MESSAGES 3 UNSEEN 3)' in listed
    assert any(b'"All Mail"' in line for line in ask(imap, r'LIST (SPECIAL-USE) "" "*"'))
    imap.select(ALL)
    uids = {number: uid for uid, number in subjects(imap).items()}
    assert ask(imap, "UID SORT (REVERSE SUBJECT) UTF-8 ALL")[0] == b"* SORT %d %d %d" % (
        uids["3"],
        uids["2"],
        uids["1"],
    )
    threaded = ask(imap, "UID THREAD REFERENCES UTF-8 ALL")[0]
    assert sorted(map(int, re.findall(rb"\d+", threaded))) == sorted(uids.values())
    assert len([line for line in ask(imap, "FETCH 1:* (PREVIEW)") if b"PREVIEW" in line]) == 3
    found = ask(imap, "ESEARCH IN (personal) RETURN (COUNT) SUBJECT number")
    assert not any(b"All Mail" in line for line in found)
    assert any(b"All Mail" in line for line in ask(imap, 'ESEARCH IN (mailboxes "All Mail") RETURN (COUNT) ALL'))
    imap.connection.unselect()
    assert any(b'"All Mail"' in line for line in ask(imap, "NOTIFY SET STATUS (personal (MessageNew MessageExpunge))"))
    inboxes = ask(imap, "NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge))")
    assert any(b'"INBOX"' in line for line in inboxes) and not any(b'"All Mail"' in line for line in inboxes)
    ask(imap, "NOTIFY NONE")
    with pytest.raises(No):
        imap.command(f'SETACL "All Mail" {ann.address} lr'.encode())


def test_a_client_that_comes_back_learns_what_left_and_came(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    """QRESYNC after moves: what moved between shown mailboxes is the same message, what went to Trash has vanished."""
    ask(imap, "ENABLE QRESYNC")
    imap.select(ALL)
    states = ask(imap, 'STATUS "All Mail" (UIDVALIDITY HIGHESTMODSEQ)')[0]
    validity, modseq = map(int, re.findall(rb"\d+", states))
    uids = {number: uid for uid, number in subjects(imap).items()}
    imap.connection.unselect()
    with server.imap(ann) as other:
        other.select("INBOX")
        other.store(1, "+FLAGS (\\Flagged)")
        other.move("1", "Archive")
        other.move("2", "Trash")
        other.append("INBOX", mail(ann, 8).data)
    lines = ask(imap, f'SELECT "All Mail" (QRESYNC ({validity} {modseq}))')
    assert [line for line in lines if b"VANISHED" in line] == [b"* VANISHED (EARLIER) %d" % uids["2"]]
    flagged = [line for line in lines if b"UID %d " % uids["1"] in line]
    assert len(flagged) == 1 and rb"\Flagged" in flagged[0]
    assert b"* 3 EXISTS" in lines
    assert not any(b"UID %d " % uids["3"] in line for line in lines)
    with imap.idle() as idle, server.imap(ann) as other:
        other.append("Archive", mail(ann, 9).data)
        idle.wait_for(b"4 EXISTS")
        other.select("INBOX")
        other.move("3", "Spam")
        idle.wait_for(b"VANISHED")


def test_pop3_and_scripts_do_not_see_it(server: MailfoldServer, ann: Person, imap: Imap) -> None:
    """POP3 has the messages of INBOX alone; a script that files there stores each mail once."""
    server.command("account", "pop3", ann.address, "on")
    with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
        assert sieve.log_in(ann.address, ann.password).startswith(b"OK")
        script = b'require "fileinto"; fileinto "All Mail";'
        sieve.send(b'PUTSCRIPT "all" {%d+}\r\n%b\r\n' % (len(script), script))
        assert sieve.answer()[-1].startswith(b"OK")
        sieve.ok('SETACTIVE "all"')
    delivered = mail(ann, 5)
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], delivered.data)
    imap.wait_for(delivered.message_id, ALL)
    assert imap.count(ALL) == 4
    others = {name: imap.count(name) for name in ("INBOX", "Archive", "Drafts", "Sent", "Spam", "Trash")}
    assert sum(others.values()) == 5
    client = poplib.POP3_SSL("localhost", server.port(POP3S), context=server.tls(), timeout=60)
    client.user(ann.address)
    client.pass_(ann.password)
    assert client.stat()[0] == others["INBOX"]
    client.quit()

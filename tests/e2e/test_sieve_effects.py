"""What leaves the house for a script: redirects, refusals, responses and notifications, each once, with real mail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.harness.mails import RenderedMail, compose
from tests.harness.people import DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE, FORGED, HONEST, SILENT, sample_zone
from tests.parts import nats
from tests.parts.remote_server import RemoteServer, TakenMail
from tests.parts.required import needs

_SECONDS = 30.0


class World(NamedTuple):
    """A server, and the one server of all other domains, which takes what it sends."""

    server: MailfoldServer
    remote: RemoteServer

    def person(self, name: str, script: str) -> Person:
        """An account of its own with a script that works."""
        person = self.server.people.person(name)
        self.server.command("sieve", "put", person.address, "main", "-", "--activate", text=script)
        return person

    def receives(self, person: Person, sender: str, *, fields: tuple[bytes, ...] = ()) -> tuple[RenderedMail, str]:
        """A mail of a stranger to an account, signed if the stranger is honest; and its queue id."""
        domain = sender.rpartition("@")[2]
        sent = compose(sender, person.address, fields=fields, signed_by=HONEST if domain == HONEST else "")
        with self.server.smtp() as smtp:
            reply = smtp.send(sender, [person.address], sent.data)
        assert str(reply).startswith("250 "), reply
        return sent, reply.queue_id

    def taken(self, recipient: str, count: int = 1) -> list[TakenMail]:
        """The mails for a recipient that the other server has taken, at least so many."""
        until(lambda: len(self._taken(recipient)) >= count, f"{count} mails for {recipient} at the other server")
        return self._taken(recipient)

    def _taken(self, recipient: str) -> list[TakenMail]:
        return [mail for mail in self.remote.mails if recipient in mail.recipients]

    def quiet(self) -> None:
        """Wait until every mail is settled and the queue is empty, so that nothing more can come."""
        self.server.settled()
        until(lambda: not self.server.contracts.queue(), "the queue of mail to other servers is empty")
        self.server.settled()


@pytest.fixture(scope="module", params=["small", "split"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Every process on SQLite, and every service alone on PostgreSQL."""
    needs(nats)
    store = request.getfixturevalue("postgres_server").create_database() if request.param == "split" else ""
    running, is_up, loop = RemoteServer(), threading.Event(), asyncio.new_event_loop()
    running.replies["RCPT"] = lambda line: b"550 5.1.1 nobody\r\n" if "<gone" in line.lower() else b"250 2.1.5 ok\r\n"
    is_over = asyncio.Event()

    async def serve() -> None:
        async with running:
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert is_up.wait(_SECONDS)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(running.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    zone = sample_zone()
    for domain in (HONEST, FORGED, SILENT):
        zone.add(domain, "MX", f"10 mx.{domain}.")
        zone.add(f"mx.{domain}", "A", "127.0.0.1")
    with MailfoldServer(layout=request.param, store=store, settings=settings, zone=zone) as server:
        yield World(server, running)
    loop.call_soon_threadsafe(is_over.set)
    thread.join(_SECONDS)
    loop.close()


def sender_of(mail: TakenMail) -> str:
    return mail.mail.partition("<")[2].partition(">")[0]


def test_a_sender_gets_one_vacation_response(world: World) -> None:
    ann = world.person("ann", 'require "vacation"; vacation :days 7 :subject "Away" "I am away.";')
    eve, zoe = f"eve@{ELSEWHERE}", f"zoe@{ELSEWHERE}"
    sent, queue_id = world.receives(ann, eve)
    world.server.command.trace(queue_id, "a sender has had a vacation response")  # mails are decided on in any order
    for _ in range(3):
        world.receives(ann, eve)
    world.receives(ann, zoe)
    world.receives(ann, f"liz@{ELSEWHERE}", fields=(b"List-Id: <devs.example.net>",))
    world.quiet()
    (response,) = world.taken(eve)
    assert sender_of(response) == "" and b"Auto-Submitted: auto-replied" in response.data
    assert b"In-Reply-To: <" + sent.message_id.encode() + b">" in response.data
    assert b"DKIM-Signature" in response.data
    assert len(world.taken(zoe)) == 1 and not world._taken(f"liz@{ELSEWHERE}")
    story = world.server.command.trace(queue_id, "answer", "a sender has had a vacation response")
    generated = story.partition(f"answer {eve} with ")[2].split()[0]
    world.server.command.trace(generated, f"answer {eve}", "delivery done")


def test_a_redirect_passes_spf_and_its_bounce_comes_home(world: World) -> None:
    away = f"away@{ELSEWHERE}"
    bea = world.person("bea", f'redirect "{away}";')
    sent, queue_id = world.receives(bea, f"carl@{HONEST}")
    (copy,) = world.taken(away)
    path = sender_of(copy)
    assert path.startswith("SRS0=") and path.lower().endswith(f"={HONEST}=carl@{DOMAIN}")
    assert b"X-Sieve-Redirected-From: " + bea.address.encode() in copy.data and b"ARC-Seal" in copy.data
    assert sent.data[sent.data.index(b"\r\n\r\n") :] in copy.data
    world.server.command.trace(queue_id, "enqueue", f"return path {path}", "line 1 of the script")
    verifier = world.server.people.person("verifier")
    with world.server.smtp() as smtp:
        assert str(smtp.send(path, [verifier.address], copy.data)).startswith("250 ")
    with world.server.imap(verifier) as imap:
        header = imap.fetch(imap.wait_for(sent.message_id)).partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")
    assert b"spf=pass" in header and b"dkim=pass" in header and b"dmarc=pass" in header
    with world.server.smtp() as smtp:
        assert str(smtp.send("", [path.lower()], compose(f"postmaster@{ELSEWHERE}", path).data)).startswith("250 ")
    (bounce,) = world.taken(f"carl@{HONEST}")
    assert sender_of(bounce) == ""
    world.quiet()
    with world.server.imap(bea) as imap:
        assert imap.count("INBOX") == 0


def test_a_redirect_that_comes_back_stays(world: World) -> None:
    there = f"there@{ELSEWHERE}"
    cid = world.person("cid", f'redirect "{there}";')
    sent, _ = world.receives(cid, f"carl@{HONEST}")
    (copy,) = world.taken(there)
    with world.server.smtp() as smtp:
        assert str(smtp.send(sender_of(copy), [cid.address], copy.data)).startswith("250 ")
    with world.server.imap(cid) as imap:
        imap.wait_for(sent.message_id)
    notice = world.taken(there, 2)[-1]  # the script sends on what its owner is told, too
    assert sender_of(notice) == "" and b"come back" in notice.data.replace(b"\r\n", b" ")
    world.quiet()
    assert len(world.taken(there)) == 2


def test_a_redirect_that_another_server_refuses_is_reported_to_the_sender(world: World) -> None:
    dan = world.person("dan", f'redirect "gone@{ELSEWHERE}";')
    world.receives(dan, f"dora@{HONEST}")
    (report,) = world.taken(f"dora@{HONEST}")
    assert sender_of(report) == "" and b"550 5.1.1 nobody" in report.data


@pytest.mark.parametrize(
    ("command", "kind"), [("reject", b"disposition-notification"), ("ereject", b"delivery-status")]
)
def test_a_refused_mail_is_reported_once_and_not_kept(world: World, command: str, kind: bytes) -> None:
    script = f'require ["{command}", "spamtest"]; if not spamtest "10" {{ {command} "Not wanted."; }}'
    person = world.person(command, script)
    sender = f"{command}@{HONEST}"
    world.receives(person, sender)
    (report,) = world.taken(sender)
    assert sender_of(report) == "" and b"report-type=" + kind in report.data.replace(b"\r\n ", b" ")
    assert b"Not wanted." in report.data
    world.quiet()
    assert len(world.taken(sender)) == 1
    with world.server.imap(person) as imap:
        assert imap.count("INBOX") == 0


@pytest.mark.parametrize("domain", [SILENT, FORGED])
def test_a_mail_of_somebody_who_is_not_proven_is_kept(world: World, domain: str) -> None:
    script = 'require ["reject", "spamtest"]; if not spamtest "99" { reject "Not wanted."; }'
    person = world.person(f"kept-{domain.partition('.')[0]}", script)
    sent, _ = world.receives(person, f"mallory@{domain}")
    with world.server.imap(person) as imap:
        imap.wait_for(sent.message_id)
    world.quiet()
    assert not world._taken(f"mallory@{domain}")


def test_a_redirect_sends_what_the_script_has_edited(world: World) -> None:
    target = f"edited@{ELSEWHERE}"
    script = f"""require ["editheader", "copy", "vacation"];
addheader "X-Tag" "one"; redirect :copy "added-{target}";
deleteheader "Subject"; addheader "Subject" "Another"; redirect :copy "{target}"; discard;"""
    ivy = world.person("ivy", script)
    sent, _ = world.receives(ivy, f"carl@{HONEST}")
    (added,), (edited,) = world.taken(f"added-{target}"), world.taken(target)
    assert b"\r\nX-Tag: one\r\n" in added.data and sent.data in added.data
    assert b"Subject: Another\r\n" in edited.data and edited.data.count(b"\r\nSubject:") == 1
    assert b"ARC-Seal" in edited.data and b"\r\nX-Tag: one\r\n" in edited.data


def test_a_copy_of_a_response_is_in_the_mailbox_that_the_script_names(world: World) -> None:
    script = 'require ["vacation", "fcc", "mailbox"]; vacation :fcc "Responses" :create "I am away.";'
    kim = world.person("kim", script)
    world.receives(kim, f"liv@{HONEST}")
    (response,) = world.taken(f"liv@{HONEST}")
    world.quiet()
    with world.server.imap(kim) as imap:
        assert imap.count("Responses") == 1
        imap.select("Responses")
        stored = imap.fetch(imap.uids("ALL")[0])
    body = stored.partition(b"\r\n\r\n")[2]
    assert b"I am away." in body and body.strip() in response.data


def test_a_notification_is_sent(world: World) -> None:
    pager = f"pager@{ELSEWHERE}"
    fay = world.person("fay", f'require "enotify"; notify :message "Mail!" "mailto:{pager}";')
    sent, _ = world.receives(fay, f"carl@{HONEST}")
    (notification,) = world.taken(pager)
    assert b"Subject: Mail!" in notification.data and b"auto-notified" in notification.data
    with world.server.imap(fay) as imap:
        imap.wait_for(sent.message_id)


def test_a_mail_that_comes_twice_is_a_duplicate(world: World) -> None:
    gil = world.person("gil", 'require ["duplicate", "fileinto", "mailbox"]; if duplicate { discard; }')
    sent = compose(f"carl@{HONEST}", gil.address)
    for _ in range(3):
        with world.server.smtp() as smtp:
            smtp.send(f"carl@{HONEST}", [gil.address], sent.data)
        world.server.settled()
    with world.server.imap(gil) as imap:
        imap.wait_for(sent.message_id)
        assert imap.count("INBOX") == 1


def test_the_owner_hears_of_an_error(world: World) -> None:
    script = 'require "variables";\nset "a" "${b}@";\nredirect "${a}";\n'
    hal = world.person("hal", script)
    sent, _ = world.receives(hal, f"carl@{HONEST}")
    with world.server.imap(hal) as imap:
        imap.wait_for(sent.message_id)
        until(lambda: imap.select() == 2, "the mail and the notice")
        notice = max(imap.fetch(uid) for uid in imap.uids("ALL") if uid not in imap.find(sent.message_id))
    assert b"line 3" in notice


def test_a_script_of_a_mailbox_sends_and_its_limits_are_those_of_deliveries(world: World) -> None:
    target, pager = f"event@{ELSEWHERE}", f"event-pager@{ELSEWHERE}"
    script = f"""require ["imapsieve", "copy", "enotify", "environment"];
if environment :is "imap.cause" "APPEND" {{ redirect :copy "{target}"; notify "mailto:{pager}"; }}"""
    pat = world.server.people.person("pat")
    world.server.command("sieve", "put", pat.address, "events", "-", text=script)
    sent = compose(pat.address, pat.address)
    with world.server.imap(pat) as imap:
        imap.command(b'SETMETADATA INBOX (/shared/imapsieve/script "events")')
        imap.append("INBOX", sent.data)
    (copy,) = world.taken(target)
    assert sender_of(copy) == pat.address and b"X-Sieve-Redirected-From: " + pat.address.encode() in copy.data
    assert b"DKIM-Signature" in copy.data and sent.message_id.encode() in copy.data
    assert b"auto-notified" in world.taken(pager)[0].data
    world.quiet()
    assert (len(world.taken(target)), len(world.taken(pager))) == (1, 1)


def test_the_log_and_the_tables_agree(world: World) -> None:
    verified = world.server.command.run("verify")
    assert verified.status == 0, verified.output + verified.errors

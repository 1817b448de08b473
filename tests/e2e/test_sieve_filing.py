"""What scripts do with mail in the mailboxes of their owners, as SMTP and IMAP clients see it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.e2e.received import field_names, fields, parsed
from tests.harness.imap import Imap, No
from tests.harness.mails import compose
from tests.harness.people import DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.parts import nats
from tests.parts.required import needs

_numbers = itertools.count(1)


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A user of this test alone."""
    return server.people.person(f"sieve{next(_numbers)}")


@pytest.fixture(scope="module")
def alone() -> Iterator[MailfoldServer]:
    """A server whose own scripts are changed."""
    needs(nats)
    with MailfoldServer() as running:
        yield running


def use(server: MailfoldServer, owner: str, script: str, *place: str, name: str = "main") -> None:
    """Give an owner a script, which works from now on."""
    server.command("sieve", "put", owner, name, "-", *(place or ("--activate",)), text=script)


def send(
    server: MailfoldServer,
    recipient: str,
    *,
    subject: str = "a test",
    field: bytes = b"",
    sender: str = "eve@tests.example",
) -> tuple[str, str]:
    """Send a mail from another server; returns its message id and its queue id."""
    fields_more = (field,) if field else ()
    mail = compose(f"Eve <{sender}>", recipient, subject=subject, body=b"hello\r\n", fields=fields_more)
    with server.smtp() as smtp:
        reply = smtp.send(sender, [recipient], mail.data)
    assert reply.queue_id
    return mail.message_id, reply.queue_id


def copy(server: MailfoldServer, person: Person, message_id: str, mailbox: str = "INBOX") -> tuple[bytes, set[str]]:
    """The message in a mailbox, with its flags."""
    with server.imap(person) as imap:
        uid = arrived(imap, message_id, mailbox)
        return imap.fetch(uid), imap.flags(uid)


def arrived(imap: Imap, message_id: str, mailbox: str) -> int:
    """The UID of a message in a mailbox, which may not exist yet."""

    def exists() -> bool:
        try:
            return imap.select(mailbox) >= 0
        except No:
            return False

    until(exists, f"the mailbox {mailbox}")
    return imap.wait_for(message_id, mailbox)


def is_in(server: MailfoldServer, person: Person, message_id: str, mailbox: str = "INBOX") -> bool:
    with server.imap(person) as imap:
        imap.select(mailbox)
        return bool(imap.find(message_id))


def judged_spam(server: MailfoldServer, person: Person, sender: str) -> bool:
    """Whether a new mail from a sender is judged to be spam."""
    _, queue_id = send(server, person.address, subject="probe", sender=sender)
    return "as spam" in server.command.trace(queue_id, "delivery done")


FILING = """\
require ["envelope", "subaddress", "variables", "fileinto", "mailbox", "imap4flags"];
if envelope :detail :matches "to" "*" {
    set :lower :upperfirst "name" "${1}";
    if not string "${name}" "" {
        fileinto :create :flags ["\\\\Flagged", "tagged"] "Tags/${name}";
        stop;
    }
}
if header :contains "subject" "work" {
    addflag ["\\\\Seen", "$label1"];
}
"""


@pytest.mark.all_layouts
def test_mail_is_filed_by_the_tag_of_its_address_with_flags(server: MailfoldServer, ann: Person) -> None:
    use(server, ann.address, FILING)
    localpart, _, domain = ann.address.partition("@")
    tagged, queue_id = send(server, f"{localpart}+news@{domain}")
    assert copy(server, ann, tagged, "Tags/News")[1] >= {"\\Flagged", "tagged"}
    second, _ = send(server, f"{localpart}+NEWS@{domain}")
    assert copy(server, ann, second, "Tags/News")[1] >= {"\\Flagged", "tagged"}
    plain, _ = send(server, ann.address, subject="work for you")
    assert copy(server, ann, plain)[1] >= {"\\Seen", "$label1"}
    assert not is_in(server, ann, tagged)
    story = server.command.trace(queue_id, "delivery done")
    assert 'script "main" line 5: fileinto' in story
    assert "into Tags/News" in story


def test_a_new_mailbox_has_the_missing_levels_and_a_subscription(server: MailfoldServer, ann: Person) -> None:
    use(server, ann.address, 'require ["fileinto", "mailbox"]; fileinto :create "A & B/Caf&AOk-/C";')
    message_id, _ = send(server, ann.address)
    with server.imap(ann) as imap:
        arrived(imap, message_id, "A &- B/Caf&AOk-/C")
        listed = b"\n".join(imap.connection.lsub('""', '"*"')[1])
    assert b"Caf&AOk-/C" in listed


def test_special_uses_and_names_in_modified_utf7(server: MailfoldServer, ann: Person) -> None:
    script = 'require ["fileinto", "special-use", "mailbox"]; if header :contains "subject" "old" {'
    script += 'fileinto :specialuse "\\\\Archive" "nowhere"; } else { fileinto "Entw&APw-rfe"; }'
    with server.imap(ann) as imap:
        imap.command(b"CREATE Entw&APw-rfe")
    use(server, ann.address, script)
    old, _ = send(server, ann.address, subject="old")
    assert copy(server, ann, old, "Archive")
    new, _ = send(server, ann.address, subject="new")
    assert copy(server, ann, new, "Entw&APw-rfe")


def test_a_discarded_mail_is_nowhere_and_the_story_says_why(server: MailfoldServer, ann: Person) -> None:
    use(server, ann.address, 'if header :is "subject" "noise" {\n  discard;\n}\n')
    message_id, queue_id = send(server, ann.address, subject="noise")
    story = server.command.trace(queue_id, "delivery done")
    assert 'script "main" line 2: discard' in story
    other, _ = send(server, ann.address, subject="music")
    assert copy(server, ann, other)
    assert not is_in(server, ann, message_id)


def test_what_a_script_changes_is_seen_in_its_copy_alone(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person(f"sieve{next(_numbers)}")
    both = server.people.alias(f"both{next(_numbers)}", ann.address, bob.address)
    script = 'require ["editheader", "fileinto", "copy"]; addheader "X-Note" "first"; fileinto :copy "Archive";'
    script += 'deleteheader "X-Mailer"; addheader :last "X-End" "last";'
    use(server, ann.address, script)
    message_id, _ = send(server, both, field=b"X-Mailer: old")
    noted, _ = copy(server, ann, message_id, "Archive")
    assert fields(noted, "X-Note") == ["first"] and fields(noted, "X-Mailer") == ["old"]
    edited, _ = copy(server, ann, message_id)
    assert fields(edited, "X-Note") == ["first"] and fields(edited, "X-End") == ["last"]
    assert "x-mailer" not in field_names(edited)
    names = field_names(edited)
    assert names[:3] == ["return-path", "delivered-to", "x-note"] and names.count("received") == 1
    assert parsed(edited).get_content().strip() == "hello"
    theirs, _ = copy(server, bob, message_id)
    assert fields(theirs, "X-Mailer") == ["old"] and "x-note" not in field_names(theirs)
    with server.imap(ann) as imap:
        imap.select("INBOX")
        assert imap.uids("HEADER", "X-End", "last") and not imap.uids("HEADER", "X-Mailer", "old")


def test_a_failed_script_keeps_the_mail_as_it_came(server: MailfoldServer, ann: Person) -> None:
    script = 'require ["fileinto", "editheader"];\naddheader "X-Note" "lost";\nfileinto "Nowhere";\n'
    use(server, ann.address, script)
    message_id, queue_id = send(server, ann.address)
    kept, _ = copy(server, ann, message_id)
    assert "x-note" not in field_names(kept)
    assert 'failed at line 3: there is no mailbox "Nowhere"' in server.command.trace(queue_id, "delivery done")


def test_spam_goes_into_the_junk_mailbox_unless_the_owner_says_otherwise(server: MailfoldServer, ann: Person) -> None:
    script = 'require ["fileinto", "copy", "spamtest", "relational", "comparator-i;ascii-numeric", "imap4flags"];\n'
    script += 'if spamtest :value "ge" :comparator "i;ascii-numeric" "10" { addflag "judged"; }\n'
    script += 'if header :is "subject" "kept" { keep; } elsif header :is "subject" "filed" { fileinto "Archive"; }\n'
    script += 'elsif header :is "subject" "copied" { fileinto :copy "Archive"; }'
    use(server, ann.address, script)
    spammer = f"eve@spammers{next(_numbers)}.example"
    server.command("block", "add", spammer, "--account", ann.address)
    until(lambda: judged_spam(server, ann, spammer), "the list at the classifier")
    for subject, mailboxes in (
        ("other", ["Spam"]),
        ("kept", ["INBOX"]),
        ("filed", ["Archive"]),
        ("copied", ["Archive", "Spam"]),
    ):
        message_id, _ = send(server, ann.address, subject=subject, sender=spammer)
        for mailbox in mailboxes:
            assert "judged" in copy(server, ann, message_id, mailbox)[1], f"{subject} in {mailbox}"
        others = {"INBOX", "Spam", "Archive"} - set(mailboxes)
        assert not any(is_in(server, ann, message_id, mailbox) for mailbox in others)


def test_a_script_is_included_and_a_new_version_works_at_once(server: MailfoldServer, ann: Person) -> None:
    use(server, ann.address, 'require "fileinto"; fileinto "Archive";', "--json", name="rules")
    use(server, ann.address, 'require "include"; include "rules";')
    first, _ = send(server, ann.address)
    assert copy(server, ann, first, "Archive")
    use(server, ann.address, 'require "fileinto"; fileinto "Drafts";', "--json", name="rules")
    second, _ = send(server, ann.address)
    assert copy(server, ann, second, "Drafts")
    server.command("sieve", "deactivate", ann.address)
    third, _ = send(server, ann.address)
    assert copy(server, ann, third)


def test_members_of_a_list_run_their_scripts_over_its_posts(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person(f"sieve{next(_numbers)}")
    address = f"devs{next(_numbers)}@{DOMAIN}"
    server.command("list", "add", address, "--owner", bob.address)
    server.command("list", "set", address, "members_only", "off")
    server.command("list", "join", address, ann.address, bob.address)
    use(server, ann.address, 'require ["fileinto", "mailbox"]; if exists "List-Id" { fileinto :create "Devs"; }')
    message_id, _ = send(server, address)
    assert "list-id" in field_names(copy(server, ann, message_id, "Devs")[0])
    assert copy(server, bob, message_id)


def test_the_scripts_of_the_operator_run_before_and_after(alone: MailfoldServer) -> None:
    ann, bob = alone.people.person("ann"), alone.people.person("bob")
    use(alone, "server", 'require "editheader"; addheader "X-Before" "yes"; keep;', "--before", name="first")
    last = 'require ["fileinto", "mailbox"]; if header :is "subject" "late" { fileinto :create "Late"; }'
    use(alone, "server", last, "--after", name="last")
    script = 'require "fileinto"; if not exists "X-Before" { discard; } elsif header :is "subject" "mine" {'
    use(alone, ann.address, script + ' fileinto "Archive"; stop; }')
    mine, _ = send(alone, ann.address, subject="mine")
    assert fields(copy(alone, ann, mine, "Archive")[0], "X-Before") == ["yes"]
    assert not is_in(alone, ann, mine), "the keep of the operator makes no second copy"
    for person in (ann, bob):
        late, _ = send(alone, person.address, subject="late")
        assert fields(copy(alone, person, late, "Late")[0], "X-Before") == ["yes"]
        other, _ = send(alone, person.address, subject="other")
        assert fields(copy(alone, person, other)[0], "X-Before") == ["yes"]
    alone.restart()
    again, _ = send(alone, ann.address, subject="mine")
    assert copy(alone, ann, again, "Archive"), "the first mail after a start"
    until(lambda: alone.command.run("status").status == 0, "all is well")

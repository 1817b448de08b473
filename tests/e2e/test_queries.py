"""`mailfold search`: queries over all mailboxes, with attachments and snippets, before and after indexing."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.documents import docx_of
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


def search(server: MailfoldServer, person: Person, query: str, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.command.json("search", person.address, query, *words)
    return answer


def subjects(server: MailfoldServer, person: Person, query: str, *words: str) -> list[str]:
    return [message["subject"] for message in search(server, person, query, *words)["messages"]]


def mail(subject: str, body: str, sender: str = "Wanda <wanda@example.com>", attachment: bytes = b"") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "ann@example.org", subject
    message.set_content(body)
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="Plan 2026.docx")
    return message.as_bytes().replace(b"\n", b"\r\n")


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return filled(server)


def filled(server: MailfoldServer) -> Person:
    """A person with some mail in three mailboxes."""
    ann = server.people.person("seeker")
    with server.imap(ann) as imap:
        imap.connection.create("Work")
        imap.append("INBOX", mail("Kickoff", "We meet in Łódź <soon> & talk about the budget."))
        imap.append("INBOX", mail("Budget", "Numbers only: budget, budget, budget.", "Bob <bob@example.net>"))
        imap.append("Work", mail("Papers", "See the attachment.", attachment=docx_of("zeppelin schedule")))
        imap.append("Work", mail("東京タワーの写真", "写真を送ります"))
        imap.append("Spam", mail("Cheap budget", "buy"))
    return ann


def test_words_fields_and_conditions_find_messages_of_all_mailboxes(server: MailfoldServer, ann: Person) -> None:
    check(server, ann)


def check(server: MailfoldServer, ann: Person) -> None:
    """Queries of all kinds have the right answers before and after indexing."""
    for _ in range(2):  # by reading, and by the index
        assert subjects(server, ann, "budget") == ["Budget", "Kickoff"]
        assert subjects(server, ann, "budg*  -from:bob") == ["Kickoff"]
        assert subjects(server, ann, "lodz") == ["Kickoff"]
        assert subjects(server, ann, "京タ OR subject:kick") == ["東京タワーの写真"]
        assert subjects(server, ann, "京タ OR subject:kickoff") == ["東京タワーの写真", "Kickoff"]
        assert subjects(server, ann, "has:attachment filename:plan after:1d") == ["Papers"]
        assert subjects(server, ann, "in:spam budget") == ["Cheap budget"]
        assert subjects(server, ann, "budget", "--mailbox", "Spam") == ["Cheap budget"]
        assert subjects(server, ann, "from:bob@example.net larger:10 is:unread before:2100") == ["Budget"]
        until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    until(lambda: subjects(server, ann, "attachment:zeppelin") == ["Papers"], "the attachment is read")
    assert subjects(server, ann, '"zeppelin schedule"') == ["Papers"]
    ranked = search(server, ann, "budget OR zeppelin", "--sort", "relevance")["messages"]
    scores = [message["score"] for message in ranked]
    assert (scores[0], scores[-1]) == (100, 1)
    assert [message["subject"] for message in ranked].index("Budget") < len(ranked) - 1
    assert sorted(scores, reverse=True) == scores


def test_a_message_is_shown_with_a_snippet(server: MailfoldServer, ann: Person) -> None:
    answer = search(server, ann, 'budget "łódź"')
    (message,) = answer["messages"]
    assert (answer["total"], answer["is_partial"]) == (1, False)
    assert (message["mailbox"], message["uid"], message["has_attachment"]) == ("INBOX", 1, False)
    assert message["from"] == [{"name": "Wanda", "address": "wanda@example.com"}]
    assert message["email_id"] and message["thread_id"] and message["size"] > 100
    snippet = message["snippet"]
    assert snippet["html"] == ("We meet in <mark>Łódź</mark> &lt;soon&gt; &amp; talk about the <mark>budget</mark>.")
    assert [snippet["text"][start:end] for start, end in snippet["ranges"]] == ["Łódź", "budget"]
    page = search(server, ann, "", "--limit", "1", "--offset", "1")
    assert (len(page["messages"]), page["total"]) == (1, 4)
    printed = server.command("search", ann.address, "budget")
    assert "Kickoff" in printed and "talk about the budget" in printed


def test_the_owner_learns_who_else_searched(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("curious")
    search(server, ann, "budget")
    assert server.command.json("--as", ann.user, "search", ann.address, "budget")["total"] == 2
    with pytest.raises(CommandFailed):
        server.command("--as", bob.user, "search", ann.address, "budget")

    def entries() -> list[Any]:
        lines: list[Any] = server.command.json("journal", "--account", ann.address, "--kind", "read")
        return [line for line in lines if line["type"] == "message.searched"]

    until(entries, "the search is in the journal")
    assert [(line["who"], line["count"]) for line in entries()] == [("operator", 2)]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("(budget", "parenthesis is not closed"), ("before:soon", "A date is written"), ("a" * 9000, "longer than")],
)
def test_a_mistake_is_explained_with_its_place(server: MailfoldServer, ann: Person, query: str, sentence: str) -> None:
    with pytest.raises(CommandFailed, match=sentence):
        server.command("search", ann.address, query)
    with pytest.raises(CommandFailed, match="no mailbox"):
        server.command("search", ann.address, "a", "--mailbox", "nowhere")

"""Passwords are guessed over the protocols, with the default limits."""

from __future__ import annotations

from tests.harness.ports import SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.hostile.imap_log_in import log_in_side_by_side

_WRONG, _TOO_MANY = b"NO [AUTHENTICATIONFAILED]", b"NO [UNAVAILABLE]"


def test_90_guesses_side_by_side_are_ten(server: MailfoldServer) -> None:
    """Ten of them are checked; the owner logs in meanwhile from another address."""
    person = server.people.person("ann")
    answers = log_in_side_by_side(server, person, [f"wrong {number}" for number in range(90)], "127.0.0.9")
    assert sum(answer.startswith(_WRONG) for answer in answers) == 10
    assert sum(answer.startswith(_TOO_MANY) for answer in answers) == 80
    assert log_in_side_by_side(server, person, [person.password], "127.0.0.9")[0].startswith(_TOO_MANY)
    with server.imap(person) as imap:
        imap.select()


def test_many_networks_do_not_lock_the_owner_out(server: MailfoldServer) -> None:
    """Twelve addresses guess at one account; the owner logs in from an address that has never logged in."""
    person = server.people.person("bob")
    for number in range(12):
        log_in_side_by_side(server, person, [f"wrong {number}"], f"127.0.1.{number + 1}")
    assert log_in_side_by_side(server, person, [person.password], "127.0.2.1")[0].startswith(b"OK")


def test_a_client_with_many_connections_is_let_in_after_its_user_mistyped(server: MailfoldServer) -> None:
    person = server.people.person("eve")
    log_in_side_by_side(server, person, [f"typo {number}" for number in range(9)])
    answers = log_in_side_by_side(server, person, [person.password] * 20)
    assert [answer for answer in answers if not answer.startswith(b"OK")] == []


def test_smtp_and_imap_count_together(server: MailfoldServer) -> None:
    """Ten guesses count as ten with either protocol: two SMTP sessions with two each, and six IMAP connections."""
    person = server.people.person("kim")
    for number in range(2):
        with Smtp(server.port(SUBMISSIONS), tls=server.tls()) as smtp:
            codes = [smtp.log_in(person.address, f"wrong {number} {guess}").code for guess in range(2)]
            assert codes == [535, 535]
    answers = log_in_side_by_side(server, person, [f"wrong {number}" for number in range(7)])
    assert sum(answer.startswith(_WRONG) for answer in answers) == 6
    assert sum(answer.startswith(_TOO_MANY) for answer in answers) == 1
    with Smtp(server.port(SUBMISSIONS), tls=server.tls()) as smtp:
        assert smtp.log_in(person.address, person.password).code == 454


def test_900_guesses_of_the_form_of_an_app_password_are_100(server: MailfoldServer) -> None:
    """They name a real app password. Ten of each of ten addresses are checked; its owner logs in meanwhile."""
    person = server.people.person("ivy")
    words = ("--name", "Phone", "--scope", "imap")
    phone = server.command.json("app-password", "add", person.user, *words)
    wrong, too_many = 0, 0
    for source in range(1, 11):
        guesses = [f"{phone['id']}-{source * 1000 + number:026}" for number in range(90)]
        answers = log_in_side_by_side(server, person, guesses, f"127.0.3.{source}")
        wrong += sum(answer.startswith(_WRONG) for answer in answers)
        too_many += sum(answer.startswith(_TOO_MANY) for answer in answers)
    assert (wrong, too_many) == (100, 800)
    answers = log_in_side_by_side(server, person, [phone["password"], person.password], "127.0.4.1")
    assert [answer for answer in answers if not answer.startswith(b"OK")] == []


def test_lockouts_of_all_protocols_are_shown_and_lifted(server: MailfoldServer) -> None:
    """A client that was locked out by IMAP is refused by SMTP too, until the operator lifts it."""
    person = server.people.person("una")
    log_in_side_by_side(server, person, [f"wrong {number}" for number in range(12)], "127.0.5.1")
    (shown,) = server.command.json("lockouts", "list", "--account", person.address)
    assert (shown["kind"], shown["account"], shown["network"]) == ("client", person.address, "127.0.5.1")
    assert shown["reason"] == "10 different wrong passwords from there at this account, the last one by imap"
    assert log_in_side_by_side(server, person, [person.password], "127.0.5.1")[0].startswith(_TOO_MANY)
    assert len(server.command.json("lockouts", "lift", "--account", person.address)) == 1
    assert log_in_side_by_side(server, person, [person.password], "127.0.5.1")[0].startswith(b"OK")
    assert server.command.json("lockouts", "list", "--account", person.address) == []

"""Roundcube in a browser: log in, list, read, send, search, move, and manage filters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, MANAGESIEVE, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.parts.browser import Browser
from tests.parts.required import needs
from tests.parts.roundcube import Roundcube

needs(Roundcube, Browser)
SENDER = f"carl@{HONEST}"


@pytest.fixture(scope="module")
def webmail(server: MailfoldServer) -> Iterator[Roundcube]:
    """The webmail of the server."""
    ports = (server.port(port) for port in (IMAPS, SUBMISSIONS, MANAGESIEVE))
    with Roundcube(server.authority, *ports) as running:
        yield running


@pytest.fixture
def browser(webmail: Roundcube) -> Iterator[Browser]:
    """A browser with the log-in page."""
    with Browser() as running:
        running.open(webmail.url)
        yield running


def log_in(browser: Browser, person: Person) -> None:
    """Fill the log-in page."""
    browser.fill("#rcmloginuser", person.address)
    browser.fill("#rcmloginpwd", person.password)
    browser.click("#rcmloginsubmit")
    browser.element("#mailboxlist")


def subjects(browser: Browser) -> list[str]:
    """The subjects in the list of messages."""
    return [entry.text for entry in browser.elements("#messagelist tbody tr .subject a span")]


def test_list_read_and_search(server: MailfoldServer, ann: Person, browser: Browser) -> None:
    with server.imap(ann) as imap:
        for number in range(5):
            mail = compose(SENDER, ann.address, subject=f"subject {number}", body=b"The text is here.\r\n")
            imap.append("INBOX", mail.data)
    log_in(browser, ann)
    browser.until(lambda: len(subjects(browser)) == 5, "five messages")
    browser.until(lambda: len(browser.elements("#mailboxlist li")) >= 6, "the mailboxes")
    browser.click("#messagelist tbody tr:first-child .subject a")
    browser.enter("#messagecontframe")
    browser.shows("The text is here.")
    browser.leave()
    browser.fill("#mailsearchform", "subject 3")
    browser.element("#mailsearchform").send_keys(Keys.ENTER)
    browser.until(lambda: subjects(browser) == ["subject 3"], "the message that was searched")


def test_send(server: MailfoldServer, ann: Person, browser: Browser) -> None:
    bob = server.people.person("bob")
    log_in(browser, ann)
    browser.click("#taskmenu a.compose")
    browser.fill("#compose_to input", bob.address)
    browser.element("#compose_to input").send_keys(Keys.ENTER)
    browser.fill("#compose-subject", "From the webmail")
    browser.fill("#composebody", "Written in a browser.")
    browser.click("#layout-content button.send, a.send")
    with server.imap(bob) as imap:
        uid = browser.until(lambda: _uids(imap, "From the webmail"), "the mail in the other account")[0]
        assert b"Written in a browser." in imap.fetch(uid)
    with server.imap(ann) as imap:
        browser.until(lambda: _uids(imap, "From the webmail", "Sent"), "the copy in Sent")


def _uids(imap: Imap, subject: str, mailbox: str = "INBOX") -> list[int]:
    imap.select(mailbox)
    return imap.uids("SUBJECT", f'"{subject}"')


def test_a_filter_files_mail(server: MailfoldServer, ann: Person, browser: Browser, webmail: Roundcube) -> None:
    log_in(browser, ann)
    browser.open(f"{webmail.url}?_task=settings&_action=plugin.managesieve")
    browser.click("a.create:not(.disabled)")
    browser.enter("#filter-box")
    browser.fill("#_name", "lists")
    browser.fill("input[name='_rule_target[0][]']", "a list")
    browser.choose("#action_mailbox0", "Archive")
    browser.click("button.submit")
    browser.leave()
    browser.until(lambda: "lists" in browser.element("#filterslist").text, "the filter in the list")
    mail = compose(SENDER, ann.address, subject="from a list")
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], mail.data)
    with server.imap(ann) as imap:
        assert imap.wait_for(mail.message_id, "Archive")
        assert imap.select() == 0

"""Roundcube and a shared mailbox: its dialog gives and shows rights, and the other user subscribes and reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, MANAGESIEVE, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.interop.test_roundcube import log_in, subjects
from tests.parts import nats
from tests.parts.browser import Browser
from tests.parts.required import needs
from tests.parts.roundcube import Roundcube

needs(Roundcube, Browser, nats)
SENDER = f"carl@{HONEST}"
_FOLDERS = "{}?_task=settings&_action=folders"
_RIGHTS_OF_READERS = {"read", "write"}


@pytest.fixture(scope="module")
def sharing() -> Iterator[MailfoldServer]:
    """A server of its own, on which users share."""
    with MailfoldServer(settings={"MAILFOLD_SHARING_ENABLED": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
def webmail(sharing: MailfoldServer) -> Iterator[Roundcube]:
    """The webmail of that server."""
    with Roundcube(sharing.authority, *(sharing.port(port) for port in (IMAPS, SUBMISSIONS, MANAGESIEVE))) as running:
        yield running


def _open_rights(browser: Browser, webmail: Roundcube, mailbox: str) -> None:
    """Show the list of rights in the settings of a folder."""
    browser.open(f"{webmail.url}?_task=settings&_action=edit-folder&_mbox={mailbox}&_framed=1")
    browser.element("#acltable")


def _rows(browser: Browser) -> list[str]:
    return [row.text.strip() for row in browser.elements("#acltable tbody tr")]


def _give(browser: Browser, person: Person) -> None:
    """Give a user the rights to read and to write."""
    browser.click("#acllist-footer a.create")
    browser.fill("#acluser", person.address)
    for box in browser.elements("#simplerights input[type=checkbox]"):
        if (box.get_attribute("id") or "").removeprefix("acl") in _RIGHTS_OF_READERS and not box.is_selected():
            browser.driver.execute_script("arguments[0].click()", box)
    browser.click(".ui-dialog-buttonpane button.save, .ui-dialog-buttonpane button.mainaction")


def test_a_folder_is_shared_and_read(sharing: MailfoldServer, webmail: Roundcube) -> None:
    ann, bob = sharing.people.people("ann", "bob")
    sharing.followed()
    with sharing.imap(ann) as imap:
        imap.command(b"CREATE Plans")
        imap.append("Plans", compose(SENDER, ann.address, subject="the plan", body=b"We build it.\r\n").data)
    with Browser() as browser:
        browser.open(webmail.url)
        log_in(browser, ann)
        _open_rights(browser, webmail, "Plans")
        assert _rows(browser) == []  # the owner's own rights are not shown
        _give(browser, bob)
        browser.until(lambda: any(bob.address in row for row in _rows(browser)), "the rights that were given")
        _open_rights(browser, webmail, "Plans")
        assert [row.split()[0] for row in _rows(browser)] == [bob.address]
    with sharing.imap(ann) as imap:
        given = until(lambda: _rights(imap.connection.getacl("Plans")[1], bob), "the rights over IMAP")
    assert set("lrs") <= set(given)
    assert "a" not in given
    _read_as(sharing, webmail, ann, bob)


def _rights(lines: list[bytes | None], person: Person) -> str:
    words = b" ".join(line or b"" for line in lines).decode().replace('"', "").split()
    return words[words.index(person.address) + 1] if person.address in words else ""


def _read_as(sharing: MailfoldServer, webmail: Roundcube, owner: Person, reader: Person) -> None:
    """Subscribe in the settings of folders, open the mailbox, and read its message."""
    name = f"Other Users/{owner.address}/Plans"
    with Browser() as browser:
        browser.open(webmail.url)
        log_in(browser, reader)
        browser.open(_FOLDERS.format(webmail.url))
        box = f"input[name='_subscribed[]'][value='{name}']"
        browser.until(lambda: browser.elements(box), "the shared mailbox among the folders")
        browser.driver.execute_script("arguments[0].click()", browser.elements(box)[0])
        with sharing.imap(reader) as imap:
            browser.until(
                lambda: any(name.encode() in (line or b"") for line in imap.connection.lsub()[1]), "the subscription"
            )
        browser.open(f"{webmail.url}?_task=mail&_mbox={name.replace(' ', '%20')}")
        browser.until(lambda: subjects(browser) == ["the plan"], "the shared message")
        browser.click("#messagelist tbody tr:first-child .subject a")
        browser.enter("#messagecontframe")
        browser.shows("We build it.")
        browser.leave()
        browser.until(lambda: len(browser.elements("#mailboxlist li")) >= 7, "the shared mailbox in the list")

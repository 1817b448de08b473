"""The mailboxes with which an account begins."""

from __future__ import annotations

import pytest

from services.mailstore.settings import MailstoreSettings
from shared.settings import SettingsError, load

USUAL = (
    ("INBOX", ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Spam", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)


def test_names_are_settings() -> None:
    given = MailstoreSettings(trash_name="Papierkorb", sent_name="Gesendet").default_mailboxes()
    assert given == tuple(({"Trash": "Papierkorb", "Sent": "Gesendet"}.get(name, name), use) for name, use in USUAL)


@pytest.mark.parametrize("names", [{"trash_name": "Spam"}, {"trash_name": "inbox"}, {"sent_name": "Trash"}])
def test_names_that_are_not_distinct_are_not_used(names: dict[str, str]) -> None:
    assert MailstoreSettings(**names).default_mailboxes() == USUAL


@pytest.mark.parametrize("name", ["", "a/b", "a%", "*", "x" * 101, "a\r\nb"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(SettingsError):
        load({"mailstore": MailstoreSettings}, flags={"mailstore.trash_name": name})

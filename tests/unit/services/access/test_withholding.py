"""Which capabilities are withheld from whom."""

from __future__ import annotations

import pytest

from services.access.session.withholding import Withholding
from services.access.settings import SECTIONS
from shared.settings import SettingsError, load

NAMES = ("IMAP4rev1", "IMAP4rev2", "COMPRESS=DEFLATE", "QUOTA", "QUOTA=RES-STORAGE", "UIDONLY")
OUTLOOK = {"name": "Microsoft.Exchange.Imap4.Imap4Server", "vendor": "Microsoft"}


def withheld(rules: str, client: dict[str, str] | None = None, account: str = "") -> set[str]:
    left = Withholding(rules.split(",")).left(NAMES, client or {}, account)
    return set(NAMES) - set(left)


def test_a_name_is_withheld_from_all_with_its_value_or_without() -> None:
    assert withheld("compress") == {"COMPRESS=DEFLATE"}
    assert withheld("COMPRESS=DEFLATE") == {"COMPRESS=DEFLATE"}
    assert withheld("QUOTA") == {"QUOTA", "QUOTA=RES-STORAGE"}
    assert withheld("QUOTA=RES-STORAGE") == {"QUOTA=RES-STORAGE"}


def test_a_client_is_known_by_name_or_vendor() -> None:
    assert withheld("UIDONLY@client:*microsoft*", OUTLOOK) == {"UIDONLY"}
    assert withheld("UIDONLY@client:microsoft", OUTLOOK) == {"UIDONLY"}
    assert withheld("UIDONLY@client:exchange", OUTLOOK) == set()
    assert withheld("UIDONLY@client:*", {"version": "1"}) == {"UIDONLY"}


def test_an_account_is_known_after_the_log_in() -> None:
    assert withheld("IMAP4rev2@account:*@example.org", account="Ann@Example.ORG") == {"IMAP4rev2"}
    assert withheld("IMAP4rev2@account:*", account="") == set()


@pytest.mark.parametrize("rule", ["IMAP4rev1", "starttls", "LOGINDISABLED@client:x", "A B", "X@someone:y", "X@client:"])
def test_wrong_rules_are_refused_at_the_start(rule: str) -> None:
    with pytest.raises(SettingsError):
        load(SECTIONS, flags={"access.withhold": rule})


def test_rules_are_a_list() -> None:
    load(SECTIONS, flags={"access.withhold": "UIDONLY@client:*Outlook*,COMPRESS,AUTH=LOGIN@account:a@b.example"})

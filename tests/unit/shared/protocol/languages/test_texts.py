"""Every language says everything, with the same values."""

from __future__ import annotations

import re
import string
from datetime import UTC, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.outbound.domain.sending_limits import SendingLimits, exceeded
from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.for_people import subject_of
from shared.protocol.dsn.remedy import remedy
from shared.protocol.languages.language import ENGLISH, LANGUAGES, Language, language_of
from shared.protocol.mailing_list.post import NoPost

OTHERS = [pytest.param(language, id=tag) for tag, language in LANGUAGES.items() if language is not ENGLISH]
_KEY = re.compile(r"""say\(\s*f?["']([a-z_.]+)["'{]""")
AT = 1_700_000_000_000_000


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_all_languages_have_the_same_keys_and_placeholders(language: Language) -> None:
    assert list(language.texts) == list(ENGLISH.texts)
    assert {key: placeholders(text) for key, text in language.texts.items()} == {
        key: placeholders(text) for key, text in ENGLISH.texts.items()
    }
    assert (len(language.weekdays), len(set(language.months))) == (7, 12)
    names = {"decimal_mark", "octets", "quota.of", "author.notice", "author.report"}
    same = {key for key, text in language.texts.items() if text == ENGLISH.texts[key]}
    assert same <= names  # nothing was left untranslated


def test_every_text_that_is_asked_for_exists() -> None:
    """A key that the code names in full is a key; a part of a key is the beginning of several."""
    asked = {
        key
        for folder in ("services", "shared/protocol")
        for file in Path(folder).rglob("*.py")
        for key in _KEY.findall(file.read_text("utf-8"))
    }
    assert len(asked) > 20
    assert [key for key in asked if not any(known.startswith(key) for known in ENGLISH.texts)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_reports_have_words_for_every_status(language: Language) -> None:
    statuses = [f"{group}.{subject}.{detail}" for group in (4, 5) for subject in range(8) for detail in range(35)]
    english = {status: remedy(status, DsnAction.FAILED) for status in statuses}
    translated = {status: remedy(status, DsnAction.FAILED, language) for status in statuses}
    assert all(english[status] != translated[status] for status in statuses)
    assert len(set(english.values())) == len(set(translated.values()))
    assert len({subject_of(action, language) for action in DsnAction}) == len(DsnAction)


def refusal_of(used: Usage, more: Usage) -> str:
    with pytest.raises(MailboxRefused) as refused:
        check_quota(used, more, QuotaLimits(1000, 10))
    return str(refused.value)


def reasons() -> list[str]:
    """What services give as a reason, by the code that gives it."""
    limits = [
        SendingLimits(**{name: 7})
        for name in ("mails_an_hour", "mails_a_day", "recipients_an_hour", "recipients_a_day")
    ]
    surplus = [exceeded(limit, lambda *_: 1, 5) for limit in limits]
    quotas = [
        refusal_of(Usage(900, 2), Usage(101, 1)),
        refusal_of(Usage(0, 10), Usage(1, 1)),
        refusal_of(Usage(0, 0), Usage(1001, 1)),
    ]
    return [*(held.reason for held in surplus if held is not None), *quotas, *(reason.value for reason in NoPost)]


@pytest.mark.parametrize("reason", reasons())
@pytest.mark.parametrize("language", OTHERS)
def test_reasons_of_this_server_are_translated_with_their_numbers(language: Language, reason: str) -> None:
    translated = language.reason(reason)
    assert translated != reason
    assert re.findall(r"\d+", translated) == re.findall(r"\d+", reason)
    assert ENGLISH.reason(reason) == reason


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "550 5.1.1 no such user",
        "the mailbox is full",
        "x" * 100_000,
        "{number}",
        "the mailbox takes no message larger than {} octets",
    ],
)
def test_words_of_others_stay(reason: str) -> None:
    assert language_of("de").reason(reason) == reason


@pytest.mark.parametrize(
    ("tag", "subject"),
    [
        ("de", "Ihr Postfach ist zu 80 % voll"),
        ("de-AT", "Ihr Postfach ist zu 80 % voll"),
        ("fr-CA", "Votre boîte aux lettres est pleine à 80 %"),
        ("es", "Su buzón está lleno al 80 %"),
        ("en-GB", "Your mailbox is 80 % full"),
        ("", "Your mailbox is 80 % full"),
        ("zh-Hant", "Your mailbox is 80 % full"),
        ("den", "Your mailbox is 80 % full"),
        ("\r\nBcc: x@example.org", "Your mailbox is 80 % full"),
    ],
)
def test_the_language_of_a_tag(tag: str, subject: str) -> None:
    assert language_of(tag).say("quota.subject", percent=80) == subject


def test_a_moment_has_the_offset_of_its_own_time() -> None:
    berlin, summer = ZoneInfo("Europe/Berlin"), AT - 120 * 86_400_000_000
    assert ENGLISH.moment(AT, UTC) == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert language_of("de").moment(AT, berlin) == "Di., 14. November 2023, 23:13:20 (+0100)"
    assert language_of("de").moment(summer, berlin) == "Di., 18. Juli 2023, 00:13:20 (+0200)"
    assert language_of("fr").moment(AT, timezone(-timedelta(hours=3, minutes=30))) == (
        "mar. 14 novembre 2023 18:43:20 (-0330)"
    )
    assert language_of("es").moment(AT, UTC) == "mar. 14 de noviembre de 2023, 22:13:20 (+0000)"

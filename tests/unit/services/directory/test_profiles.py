"""The languages of users, and the forms of login names."""

from __future__ import annotations

import pytest

from services.directory.domain.login_name import LoginName, read_login
from services.directory.domain.profiles import language_tag
from services.directory.domain.state import DirectoryRefused
from shared.time_zones import is_time_zone


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("DE", "de"),
        ("pt_br", "pt-BR"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
        ("en-x-mine", "en-x-mine"),
        ("", ""),
    ],
)
def test_a_language_tag_in_its_canonical_case(text: str, tag: str) -> None:
    assert language_tag(text) == tag


@pytest.mark.parametrize("text", ["german!", "d", "de-", "de--de", "x", "de-u", "de\nen", "дe", "de" + "-abcde" * 30])
def test_what_is_no_language_tag(text: str) -> None:
    with pytest.raises(DirectoryRefused):
        language_tag(text)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("America/Argentina/Buenos_Aires", True),
        ("Etc/GMT+5", True),
        ("europe/berlin", False),
        ("Europe", False),
        ("posixrules", False),
        ("right/UTC", False),
        ("../etc/passwd", False),
        ("/etc/localtime", False),
        ("", False),
    ],
)
def test_names_of_time_zones(name: str, known: bool) -> None:
    assert is_time_zone(name) is known


@pytest.mark.parametrize(
    ("login", "authorization", "expected"),
    [
        ("Sales@A.example", "", LoginName("sales@a.example")),
        ("sales@a.example*ann", "", LoginName("sales@a.example", "ann")),
        ("sales@a.example*ann*x", "", LoginName("sales@a.example", "ann*x")),
        ("sales@a.example*", "", LoginName("")),
        ("ann", "sales@a.example", LoginName("sales@a.example", "ann")),
        ("sales@a.example", "sales@a.example", LoginName("sales@a.example")),
        ("ann", "", LoginName("")),
        ("ann", "bob", LoginName("", "ann")),
    ],
)
def test_login_names(login: str, authorization: str, expected: LoginName) -> None:
    assert read_login(login, authorization, lambda address: address) == expected

"""The Maildir of the sink."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailfold.sink.envelope import envelope_fields, is_fit
from mailfold.sink.maildir import SinkMaildir

MAIL = b"From: ann@example.org\r\nSubject: =?utf-8?q?T=C3=A4e?=\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n"


@pytest.fixture
def maildir(tmp_path: Path) -> SinkMaildir:
    """An empty Maildir."""
    made = SinkMaildir(tmp_path / "sink")
    made.make()
    return made


def kept(maildir: SinkMaildir, mail: bytes = MAIL, *recipients: str) -> str:
    return maildir.keep(
        (envelope_fields("ann@example.org", recipients or ("bob@x.example",), "::1", "me", "now"), mail)
    )


def test_a_mail_is_listed_with_its_envelope_and_read_as_it_was_sent(maildir: SinkMaildir) -> None:
    name = kept(maildir, MAIL, "bob@x.example", "jürgen@x.example")
    (mail,) = maildir.newest(10)
    assert (mail.name, mail.sender, mail.recipients) == (
        name,
        "ann@example.org",
        ["bob@x.example", "jürgen@x.example"],
    )
    assert (mail.subject, mail.message_id) == ("Täe", "<1@example.org>")
    assert maildir.read(name).endswith(b"by the Mailfold sink; now\r\n" + MAIL) and mail.size == len(maildir.read(name))
    assert [folder.name for folder in maildir.folder.iterdir() if any(folder.iterdir())] == ["new"]
    assert (maildir.folder / "new" / name).stat().st_mode & 0o777 == 0o600


def test_the_newest_mails_are_listed_oldest_first(maildir: SinkMaildir) -> None:
    names = [kept(maildir) for _ in range(12)]
    assert [mail.name for mail in maildir.newest(3)] == sorted(names)[-3:] and maildir.count() == 12


def test_a_mail_that_a_reader_moved_to_cur_is_still_there(maildir: SinkMaildir) -> None:
    name = kept(maildir)
    (maildir.folder / "new" / name).rename(maildir.folder / "cur" / name)
    assert [mail.name for mail in maildir.newest(10)] == [name] and maildir.read(name)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "", ".", "new", "1700000000.M000000P1Q1.sink/../../secret"]
)
def test_no_name_leaves_the_maildir(maildir: SinkMaildir, name: str) -> None:
    (maildir.folder.parent / "secret").write_text("x")
    with pytest.raises(FileNotFoundError):
        maildir.read(name)


def test_a_client_cannot_forge_the_envelope_in_the_header(maildir: SinkMaildir) -> None:
    kept(maildir, b"X-Sink-Recipient: eve@x.example\r\nX-Sink-Sender: eve@x.example\r\n" + MAIL)
    (mail,) = maildir.newest(1)
    assert (mail.sender, mail.recipients) == ("ann@example.org", ["bob@x.example"])


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: =?bad?x?=?=\r\n\r\n",
        b"Subject: =?utf-8?b?" + b"A" * 90_000 + b"\r\n\r\nx",
        b"Subject: \xff\xfe\r\n\r\n",
        b"A:\r\n" * 90_000,
        b"\x00\r\r\n\n\r\n" * 1000,
    ],
)
def test_any_octets_are_kept_and_listed(maildir: SinkMaildir, mail: bytes) -> None:
    name = kept(maildir, mail)
    assert [shown.sender for shown in maildir.newest(1)] == ["ann@example.org"]
    assert maildir.read(name).endswith(mail) and all(len(shown.subject) <= 1000 for shown in maildir.newest(1))


def test_a_failed_write_leaves_nothing(maildir: SinkMaildir) -> None:
    (maildir.folder / "new").rmdir()
    with pytest.raises(OSError):
        kept(maildir)
    assert list((maildir.folder / "tmp").iterdir()) == []


def test_paths_with_control_characters_do_not_fit_and_the_name_of_a_client_is_cleaned() -> None:
    assert is_fit("jürgen@x.example") and is_fit("")
    for path in ("a\r\nX: y@x", "a\x00@x", "a\x1b[2J@x", "\udcff@x", "a" * 2000):
        assert not is_fit(path)
    fields = envelope_fields("", (), "::1", "me\r\nX: y\udcff" + "z" * 999, "now")
    assert fields.count(b"\r\n") == 2 and len(fields) < 400 and b"from me??X: y?z" in fields

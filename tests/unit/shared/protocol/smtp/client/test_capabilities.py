"""The reply to EHLO as values."""

from __future__ import annotations

import pytest

from shared.protocol.smtp.client.capabilities import Capabilities, Limits, read_capabilities
from shared.protocol.smtp.reply import Reply


def read(*lines: str) -> Capabilities:
    return read_capabilities(Reply(250, None, ("mail.example.net hello", *lines)))


def test_all_extensions() -> None:
    offered = read(
        "pipelining",
        "SIZE 1000",
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
        "DSN",
        "STARTTLS",
        "REQUIRETLS",
        "AUTH PLAIN  login",
        "AUTH=LOGIN XOAUTH2",
        "LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1",
    )
    parameters = offered.parameters
    assert offered == Capabilities(
        name="mail.example.net",
        parameters=parameters,
        pipelining=True,
        eight_bit=True,
        binary=True,
        chunking=True,
        smtputf8=True,
        dsn=True,
        starttls=True,
        require_tls=True,
        size=True,
        size_limit=1000,
        mechanisms=("PLAIN", "LOGIN", "XOAUTH2"),
        limits=Limits(mail_max=5, rcpt_max=20, rcpt_domain_max=1),
    )
    assert parameters["AUTH"] == ("PLAIN", "login", "LOGIN", "XOAUTH2")


def test_nothing_is_offered() -> None:
    assert read() == Capabilities(name="mail.example.net", parameters=read().parameters)
    assert read_capabilities(Reply(250, None, ("",))) == Capabilities(parameters=read().parameters)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("SIZE", None),
        ("SIZE 0", None),
        ("SIZE x", None),
        ("SIZE -1", None),
        ("SIZE 5 6", 5),
        ("SIZE " + "9" * 21, None),
    ],
)
def test_size(line: str, limit: int | None) -> None:
    assert (read(line).size, read(line).size_limit) == (True, limit)


@pytest.mark.parametrize(
    "line", ["PIPELINING\x7f", "-PIPELINING", "", " PIPELINING", "DSN ä", "PIPELINING=1", "8BIT MIME"]
)
def test_what_is_not_in_the_grammar_or_not_known_is_ignored(line: str) -> None:
    offered = read(line)
    assert (offered.pipelining, offered.dsn, offered.eight_bit) == (False, False, False)


def test_binary_needs_chunks() -> None:
    assert not read("BINARYMIME").binary


@pytest.mark.parametrize("value", ["RCPTMAX=0", "RCPTMAX=", "RCPTMAX=-1", "RCPTMAX=1000000", "RCPTMAX", "RCPTMAX=1x"])
def test_a_limit_that_is_not_valid_is_ignored(value: str) -> None:
    assert read(f"LIMITS {value}").limits == Limits()

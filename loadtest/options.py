"""The command line: options that several subcommands share, and those of each."""

from __future__ import annotations

import argparse
import ipaddress
import os
import time
from pathlib import Path

from loadtest.bench import Options
from loadtest.content.profile import Profile
from loadtest.content.senders import CLIENT_ADDRESSES
from loadtest.target import PASSWORD, Target

_Parser = argparse.ArgumentParser


def number(least: int, most: int) -> type[int]:
    """A whole number within limits, for argparse's `type`."""

    def parsed(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be between {least} and {most}")
        return value

    return parsed  # type: ignore[return-value]


def share(text: str) -> float:
    """A number between 0 and 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def add_server(parser: _Parser) -> None:
    """Add the options that select the server and its users."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--start", action="store_true", help="start a server of our own, with users, and stop it afterwards"
    )
    group.add_argument("--keep", action="store_true", help="keep the data folder of a server started by --start")
    group.add_argument(
        "--data", type=Path, help="data folder of a running Mailfold: gives CPU, memory and fsyncs by process"
    )
    group.add_argument(
        "--pid", type=int, action="append", default=[], metavar="N", help="of a server that is no Mailfold; repeatable"
    )
    group.add_argument(
        "--create-users", action="store_true", help="first create domain and users in the server at --data"
    )
    group.add_argument("--host", default="127.0.0.1", help="IP address of the server (%(default)s)")
    group.add_argument(
        "--port-offset", type=number(0, 64000), default=10000, metavar="N", help="added to 25 and 993 (%(default)s)"
    )
    group.add_argument("--smtp-port", type=number(1, 65535), metavar="N", help="instead of 25 + offset")
    group.add_argument("--imap-port", type=number(1, 65535), metavar="N", help="instead of 993 + offset")
    group.add_argument("--plain-imap", action="store_true", help="IMAP without TLS")
    group.add_argument("--starttls", action="store_true", help="SMTP with STARTTLS")
    group.add_argument("--smtp-login", action="store_true", help="AUTH PLAIN as the first user, for a submission port")
    group.add_argument("--users", type=number(1, 1000), default=50, metavar="N", help="user00, user01, … (%(default)s)")
    group.add_argument("--domain", default="bench.test", help="domain of the users (%(default)s)")
    group.add_argument(
        "--password", default=os.environ.get("LOADTEST_PASSWORD", PASSWORD), help="of every user; or LOADTEST_PASSWORD"
    )
    group.add_argument(
        "--source",
        action="append",
        help="client address, repeatable (127.0.0.10 to .17 when the server is on loopback)",
    )


def add_mail(parser: _Parser) -> None:
    """Add the options about the mail."""
    group = parser.add_argument_group("mail")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other mail (%(default)s)")
    group.add_argument(
        "--first",
        type=number(0, 10**12),
        metavar="N",
        help="number of the first mail (0 with --start, else by the clock: unseen)",
    )
    group.add_argument("--spam", type=share, default=0.2, metavar="SHARE", help="share of spam (%(default)s)")


def add_output(parser: _Parser) -> None:
    """Add the options about the report."""
    group = parser.add_argument_group("report")
    group.add_argument(
        "--json", metavar="FILE", help="write all figures as JSON ('-': to standard output, instead of tables)"
    )
    group.add_argument("--quiet", action="store_true", help="no progress")


def options(given: argparse.Namespace) -> Options:
    """The shared options, checked together. Raises ValueError."""
    if given.start and given.data:
        raise ValueError("--start makes a data folder of its own: leave out --data")
    if given.create_users and not given.data:
        raise ValueError("--create-users needs --data")
    profile = Profile(seed=given.seed, spam_share=given.spam, domain=given.domain, users=given.users)
    return Options(
        target=_target(given),
        profile=profile,
        first=_first(given),
        start=given.start,
        offset=given.port_offset,
        data=given.data,
        pids=tuple(given.pid),
        create_users=given.create_users,
        keep=given.keep,
        quiet=given.quiet,
    )


def _target(given: argparse.Namespace) -> Target:
    loopback = ipaddress.ip_address(given.host).is_loopback
    return Target(
        host=given.host,
        smtp_port=given.smtp_port or 25 + given.port_offset,
        imap_port=given.imap_port or 993 + given.port_offset,
        imap_tls=not given.plain_imap,
        starttls=given.starttls,
        smtp_login=given.smtp_login,
        password=given.password,
        sources=tuple(given.source or (CLIENT_ADDRESSES if loopback else ())),
        domain=given.domain,
        users=given.users,
    )


def _first(given: argparse.Namespace) -> int:
    """The number of the first mail: a server stores a mail that it has seen before at a lower cost, so a running one
    gets new mail."""
    if given.first is not None:
        return int(given.first)
    return 0 if given.start else int(time.time()) * 1000

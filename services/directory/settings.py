"""Settings of the directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from services.directory.ldap_settings import LdapSettings
from services.directory.oidc_settings import OidcSettings
from shared.dns.settings import ResolverSettings
from shared.expiry import MOST_DAYS
from shared.settings import Section


class DirectorySettings(Section, frozen=True):
    """Passwords and log-ins."""

    password_length: Annotated[int, Meta(description="Characters a new password must have at least.", ge=1, le=128)] = 8
    pop3: Annotated[
        bool,
        Meta(
            description="Whether accounts may be read with POP3 where neither the account nor its domain says "
            "otherwise. The ports are opened by `pop3.listen`."
        ),
    ] = False
    scram: Annotated[
        bool,
        Meta(
            description="Whether SCRAM-SHA-256 may be announced: it is while every password of those who may log in "
            "has keys for it, which are made when a password is set or used in clear."
        ),
    ] = True
    concurrent_hashes: Annotated[
        int, Meta(description="Passwords hashed at once (20 ms of CPU and 19 MiB each).", ge=1, le=64)
    ] = 2
    waiting_hashes: Annotated[
        int,
        Meta(
            description="Log-ins that may wait for a hash, served in turn by client; further ones of the client that "
            "has the most are refused temporarily.",
            ge=1,
            le=100_000,
        ),
    ] = 500
    remember_seconds: Annotated[
        int,
        Meta(
            description="Seconds a verified log-in is remembered in memory, so that it is not hashed again; 0: never.",
            ge=0,
            le=86_400,
        ),
    ] = 300
    remember_logins: Annotated[int, Meta(description="Verified log-ins remembered at most.", ge=1, le=1_000_000)] = (
        10_000
    )
    failures_per_account: Annotated[
        int,
        Meta(
            description="Wrong passwords of one client (IPv4 address or IPv6 /64) for an account, after which further "
            "log-ins are refused without a check. The same wrong password again is no further one.",
            ge=1,
            le=10_000,
        ),
    ] = 10
    failures_per_address: Annotated[
        int,
        Meta(
            description="Wrong passwords of one client for all accounts together, after which further log-ins are "
            "refused without a check, except to accounts to which it logged in before; loopback is exempt.",
            ge=1,
        ),
    ] = 50
    failures_everywhere: Annotated[
        int,
        Meta(
            description="Wrong passwords for an account of all clients together that are new to it, after which "
            "further log-ins of such clients are refused without a check; a client that logged in there before, and an "
            "app password, go on. 0: they are only delayed.",
            ge=0,
            le=100_000,
        ),
    ] = 200
    failure_seconds: Annotated[
        int, Meta(description="Seconds without a wrong password after which they are forgotten.", ge=1, le=86_400)
    ] = 600
    account_delay: Annotated[
        float,
        Meta(
            description="Seconds that a log-in from a client new to the account takes longer at most while others "
            "guess at it; 0: none.",
            ge=0,
            le=20,
        ),
    ] = 5.0
    trusted_days: Annotated[
        int,
        Meta(
            description="Days for which a client that logged in to an account is neither delayed nor refused there "
            "because others guess; 0: never.",
            ge=0,
            le=365,
        ),
    ] = 30
    postmaster: Annotated[
        str,
        Meta(
            description="The address here that gets mail to postmaster and abuse of domains which have no such "
            "address; empty: it is refused there.",
            pattern=r"^([^@\s]+@[^@\s]+)?$",
        ),
    ] = ""
    archive_days: Annotated[
        int,
        Meta(
            description="Days for which the address of an archived account is reserved; 0: it is free at once. The "
            "archive itself stays until it is restored or deleted.",
            ge=0,
            le=3_650,
        ),
    ] = 30
    fold_seconds: Annotated[
        int, Meta(description="Seconds for which log-ins are collected before they are written.", ge=1, le=3600)
    ] = 60

    dkim_check_seconds: Annotated[
        int,
        Meta(
            description="Seconds between two looks into the DNS for the records of DKIM keys that are not published "
            "yet; those that are published are looked up every hour.",
            ge=10,
            le=86_400,
        ),
    ] = 300
    dkim_retire_days: Annotated[
        int,
        Meta(
            description="Days for which a DKIM key that signs no more must stay published: the time that mail waits in "
            "queues, and a week.",
            ge=1,
            le=365,
        ),
    ] = 12


class ExpirySettings(Section, frozen=True):
    """How long messages stay in Trash and Spam, where neither domain nor mailbox has a rule of its own."""

    trash_days: Annotated[
        int,
        Meta(
            description="Days after which Trash forgets a message; 0: never. Messages that are there when this is "
            "switched on or shortened get the whole time from then on.",
            ge=0,
            le=MOST_DAYS,
        ),
    ] = 0
    spam_days: Annotated[
        int,
        Meta(description="Days after which Spam forgets a message; 0: never. As for Trash.", ge=0, le=MOST_DAYS),
    ] = 0


class MailboxSettings(Section, frozen=True):
    """Which mailboxes accounts have besides their own."""

    all_mail: Annotated[
        bool,
        Meta(
            description="Whether accounts are to have an All Mail mailbox, where neither the account nor its domain "
            "says otherwise."
        ),
    ] = False


class SharingSettings(Section, frozen=True):
    """Whether users may share mailboxes with each other."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether users may share mailboxes, and see the addresses of those with whom they may: of "
            "their own domain, unless `mailfold sharing set` says otherwise. Switched off, all shares rest."
        ),
    ] = False


SECTIONS: Mapping[str, type[Section]] = {
    "directory": DirectorySettings,
    "expiry": ExpirySettings,
    "ldap": LdapSettings,
    "oidc": OidcSettings,
    "mailboxes": MailboxSettings,
    "resolver": ResolverSettings,
    "sharing": SharingSettings,
}

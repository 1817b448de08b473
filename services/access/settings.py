"""Settings of the access service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section

_WITHHELD = r"^(?!(?i:IMAP4rev1|LOGINDISABLED|STARTTLS)(@|$))[A-Za-z0-9=+./-]+(@(client|account):.+)?$"


def _level(whose: str) -> Meta:
    text = (
        f"First level of the names of mailboxes that {whose} share. While sharing is on, accounts make no mailboxes of "
        "their own below it; those that are there stay."
    )
    return Meta(description=text, min_length=1, max_length=100, pattern=r"^[^/%*\x00-\x1f\x7f]+$")


class AccessSettings(Section, frozen=True):
    """Limits of IMAP sessions. Times in seconds, sizes in octets."""

    append_limit: Annotated[
        int, Meta(description="Largest message that APPEND accepts, in octets.", ge=1024, le=2_000_000_000)
    ] = 52_428_800
    append_messages: Annotated[int, Meta(description="Messages that one APPEND accepts.", ge=1, le=100_000)] = 1000
    catenate_parts: Annotated[
        int,
        Meta(description="Parts from which one APPEND may put its messages together (CATENATE).", ge=1, le=10_000),
    ] = 500
    journal_seconds: Annotated[
        int,
        Meta(
            description="Seconds for which the bodies that a user reads in a mailbox are counted before they are "
            "recorded in one event (`mailfold journal`).",
            ge=1,
            le=3_600,
        ),
    ] = 300
    reserve_bytes: Annotated[
        int,
        Meta(
            description="Octets of disk kept free: with less, APPEND is answered NO [UNAVAILABLE]. 0: none.",
            ge=0,
            le=2**50,
        ),
    ] = 256 * 1024 * 1024
    reserve_percent: Annotated[
        int,
        Meta(
            description="Percent of the disk kept free, like `access.reserve_bytes`; the larger of the two values "
            "applies.",
            ge=0,
            le=90,
        ),
    ] = 0
    listen_starttls: Annotated[
        bool,
        Meta(
            description="Whether IMAP is also served on port 143, in clear until STARTTLS; log-in needs TLS there too."
        ),
    ] = False
    uid_only: Annotated[
        bool,
        Meta(
            description="Whether UIDONLY is offered (RFC 9586). Some clients enable it and then use sequence numbers, "
            "which are refused."
        ),
    ] = False
    message_limit: Annotated[
        int,
        Meta(
            description="Messages that one COPY, MOVE or APPEND may concern, as MESSAGELIMIT says (RFC 9738); more "
            "are refused, and nothing is done. Other commands are never cut. 0: no limit, and nothing is announced.",
            ge=0,
            le=2**31,
        ),
    ] = 0
    withhold: Annotated[
        tuple[Annotated[str, Meta(pattern=_WITHHELD)], ...],
        Meta(
            description="Capabilities that IMAP does not offer, comma-separated: `NAME`, or `NAME@client:GLOB` for "
            "clients with such a name or vendor in their ID, or `NAME@account:GLOB` for accounts with such an address. "
            "ENABLE ignores them; other commands of theirs are still answered."
        ),
    ] = ()
    max_connections: Annotated[int, Meta(description="IMAP connections at once.", ge=1, le=1_000_000)] = 10_000
    max_connections_per_address: Annotated[
        int,
        Meta(
            description="IMAP connections of one client (IPv4 address or IPv6 /64) at once; loopback is exempt.",
            ge=1,
            le=1_000_000,
        ),
    ] = 500
    max_handshakes: Annotated[
        int,
        Meta(
            description="TLS handshakes at once, 60 KB each; a further one ends the oldest handshake of the client "
            "that has the most.",
            ge=1,
            le=100_000,
        ),
    ] = 1000
    max_connections_per_account: Annotated[
        int, Meta(description="IMAP connections of one account at once.", ge=1, le=100_000)
    ] = 100
    handshake_timeout: Annotated[float, Meta(description="Seconds a TLS handshake may take.", ge=1, le=300)] = 15.0
    login_timeout: Annotated[float, Meta(description="Seconds a client has to log in.", ge=1, le=3600)] = 60.0
    idle_timeout: Annotated[
        float, Meta(description="Seconds a logged-in client may be silent (RFC 3501: at least 1800).", ge=1, le=86_400)
    ] = 1860.0
    write_timeout: Annotated[
        float, Meta(description="Seconds a client may take to read what was sent to it.", ge=1, le=3600)
    ] = 300.0
    other_users: Annotated[str, _level("users")] = "Other Users"
    shared_mailboxes: Annotated[str, _level("groups")] = "Shared"
    keepalive: Annotated[
        float,
        Meta(
            description="Seconds between untagged responses that keep an idling connection open; 0: none.",
            ge=0,
            le=3600,
        ),
    ] = 120.0
    progress_seconds: Annotated[
        float,
        Meta(
            description="Seconds after which, again and again, a client hears that its command is still carried out "
            "(RFC 9585); 0: never.",
            ge=0,
            le=600,
        ),
    ] = 10.0
    compare_seconds: Annotated[
        float,
        Meta(
            description="Seconds between comparisons of mailbox versions, in case a notification was lost.",
            ge=1,
            le=3600,
        ),
    ] = 60.0
    login_failures: Annotated[int, Meta(description="Refused log-ins after which a connection ends.", ge=1, le=100)] = 5
    login_delay: Annotated[
        float,
        Meta(
            description="Seconds by which the first refused log-in of a client is delayed; each further refusal is "
            "delayed twice as long.",
            ge=0,
            le=60,
        ),
    ] = 0.5
    login_delay_limit: Annotated[
        float, Meta(description="Seconds by which a refused log-in is delayed at most.", ge=0, le=60)
    ] = 8.0
    notify_mailboxes: Annotated[
        int,
        Meta(
            description="Mailboxes of an account up to which a session may watch those that it has not selected "
            "(NOTIFY); with more it is answered NOTIFICATIONOVERFLOW.",
            ge=1,
            le=1_000_000,
        ),
    ] = 20_000
    notify_owners: Annotated[
        int,
        Meta(
            description="Accounts that share mailboxes with an account, up to which a session may watch those "
            "mailboxes (NOTIFY); with more it is answered NOTIFICATIONOVERFLOW.",
            ge=1,
            le=10_000,
        ),
    ] = 200
    previews: Annotated[
        int,
        Meta(
            description="Previews that are remembered of messages which the listing does not have yet, some 300 octets "
            "each.",
            ge=0,
            le=10_000_000,
        ),
    ] = 5000
    search_updates: Annotated[
        int,
        Meta(
            description="Searches and sorts whose results one session may have updated (RETURN (UPDATE), RFC 5267).",
            ge=1,
            le=1000,
        ),
    ] = 16
    recent_mailboxes: Annotated[
        int,
        Meta(
            description="Mailboxes whose \\Recent messages are remembered; in any other mailbox all messages are "
            "recent.",
            ge=1,
            le=10_000_000,
        ),
    ] = 100_000
    patience: Annotated[
        float, Meta(description="Seconds for which a call to a service that is restarting is repeated.", ge=0, le=120)
    ] = 10.0


class ManageSieveSettings(Section, frozen=True):
    """Limits of ManageSieve sessions, in which users manage their scripts. What is not here is as for IMAP."""

    listen: Annotated[
        bool, Meta(description="Whether users may manage their scripts with ManageSieve on port 4190 (RFC 5804).")
    ] = True
    max_connections: Annotated[int, Meta(description="ManageSieve connections at once.", ge=1, le=1_000_000)] = 500
    max_connections_per_address: Annotated[
        int,
        Meta(
            description="ManageSieve connections of one client (IPv4 address or IPv6 /64) at once; loopback is exempt.",
            ge=1,
            le=1_000_000,
        ),
    ] = 50
    max_connections_per_account: Annotated[
        int, Meta(description="ManageSieve connections of one account at once.", ge=1, le=100_000)
    ] = 20
    idle_timeout: Annotated[
        float,
        Meta(description="Seconds a logged-in client may be silent (RFC 5804: at least 1800).", ge=1, le=86_400),
    ] = 1860.0


class Pop3Settings(Section, frozen=True):
    """Limits of POP3 sessions. What is not here is as for IMAP."""

    listen: Annotated[
        bool,
        Meta(
            description="Whether POP3 is spoken under TLS on port 995. Which accounts may be read with it is said by "
            "`directory.pop3`, `mailfold domain set NAME pop3` and `mailfold account pop3`."
        ),
    ] = False
    starttls: Annotated[
        bool,
        Meta(
            description="Whether POP3 is spoken on port 110 too, where a client begins TLS with STLS (RFC 2595) and "
            "cannot log in before that. It needs `pop3.listen`."
        ),
    ] = False
    max_connections: Annotated[int, Meta(description="POP3 connections at once, on each port.", ge=1, le=1_000_000)] = (
        2000
    )
    max_connections_per_address: Annotated[
        int,
        Meta(
            description="POP3 connections of one client (IPv4 address or IPv6 /64) at once; loopback is exempt.",
            ge=1,
            le=1_000_000,
        ),
    ] = 100
    max_messages: Annotated[
        int,
        Meta(
            description="Messages of INBOX that a session shows, some fifty octets of memory each: of more the newest.",
            ge=1,
            le=10_000_000,
        ),
    ] = 200_000
    idle_timeout: Annotated[
        float, Meta(description="Seconds a logged-in client may be silent (RFC 1939: at least 600).", ge=1, le=86_400)
    ] = 600.0


SECTIONS: Mapping[str, type[Section]] = {
    "access": AccessSettings,
    "managesieve": ManageSieveSettings,
    "pop3": Pop3Settings,
}
"""The listeners of IMAP and ManageSieve and their connections, and the contract of the access service."""

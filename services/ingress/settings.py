"""Settings of the ingress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from shared.dns.settings import ResolverSettings
from shared.settings import Section

Seconds = float
BareNewlines = Literal["refuse", "normalise"]


class IngressSettings(Section, frozen=True):
    """What an SMTP client may do and cost, and how receptions are repeated."""

    resolver: Annotated[
        str,
        Meta(
            description="Name servers for SPF, DKIM and DMARC: address[:port], comma-separated; empty: "
            "resolver.addresses."
        ),
    ] = ""
    authserv_id: Annotated[str, Meta(description="Our name in Authentication-Results; empty: the mail host name.")] = ""
    max_message_bytes: Annotated[
        int, Meta(description="Largest message, in octets; advertised as SIZE.", ge=65536, le=2**31)
    ] = 50 * 1024 * 1024
    max_header_bytes: Annotated[int, Meta(description="Largest message header, in octets.", ge=16384, le=4194304)] = (
        262144
    )
    max_recipients: Annotated[
        int, Meta(description="Recipients of one message (RFC 5321 asks for 100 at least).", ge=100, le=50_000)
    ] = 1000
    max_envelope_bytes: Annotated[
        int,
        Meta(
            description="Octets of all recipients of one message with their DSN parameters, which travel in one bus "
            "message.",
            ge=65536,
            le=700_000,
        ),
    ] = 524288
    future_release_days: Annotated[
        float,
        Meta(
            description="Days for which a user may have a mail kept before it is delivered (FUTURERELEASE, RFC 4865). "
            "0: it is not offered.",
            ge=0,
            le=366,
        ),
    ] = 31.0
    future_release_mails: Annotated[
        int,
        Meta(
            description="Mails of one account that may wait at once for a time that their sender chose; a further one "
            "is answered 452.",
            ge=1,
            le=100_000,
        ),
    ] = 1000
    future_release_bytes: Annotated[
        int,
        Meta(
            description="Octets of the mails of one account that may wait at once for a time that their sender chose; "
            "more is answered 452.",
            ge=2**20,
            le=2**50,
        ),
    ] = 1024 * 1024 * 1024
    max_hops: Annotated[
        int, Meta(description="Received fields above which a message is refused as a loop.", ge=10, le=1000)
    ] = 100
    script_seconds: Annotated[
        Seconds,
        Meta(
            description="Seconds that a client waits for the reply to a message while the recipient's Sieve script "
            "decides whether it is refused (reject, ereject); after them it is accepted, and the script runs at its "
            "delivery. 0: scripts refuse nothing in the dialogue.",
            ge=0,
            le=60,
        ),
    ] = 5.0
    bare_newline_outside: Annotated[
        BareNewlines,
        Meta(description="A CR or LF alone in a message on port 25: refuse the message, or normalise it to CRLF."),
    ] = "refuse"
    bare_newline_submission: Annotated[
        BareNewlines,
        Meta(
            description="A CR or LF alone in a message of a user, on ports 587 and 465: refuse the message, or "
            "normalise it to CRLF."
        ),
    ] = "normalise"
    enforce_sync_outside: Annotated[
        bool,
        Meta(
            description="Port 25: end a session that sends more after DATA, EHLO or STARTTLS without waiting for the "
            "reply (RFC 2920)."
        ),
    ] = True
    enforce_sync_submission: Annotated[
        bool,
        Meta(
            description="Ports 587 and 465: end a session that sends more after DATA, EHLO, STARTTLS or a line of "
            "AUTH without waiting for the reply."
        ),
    ] = False
    max_bad_commands: Annotated[
        int,
        Meta(
            description="Bad commands, repeated greetings and refused recipients of a session since its last accepted "
            "message; a further one ends the session.",
            ge=1,
            le=1000,
        ),
    ] = 20
    max_idle_commands: Annotated[
        int,
        Meta(
            description="Commands of a session without progress (NOOP, RSET, VRFY …) since its last accepted message; "
            "a further one ends the session.",
            ge=10,
            le=1_000_000,
        ),
    ] = 1000
    refusal_pause: Annotated[
        Seconds,
        Meta(
            description="Seconds by which the delay of the reply grows with each refused recipient of a session, up "
            "to 5 s; 0: no delay.",
            ge=0,
            le=5,
        ),
    ] = 0.1
    unknown_recipients: Annotated[
        int,
        Meta(
            description="Refused recipients of a client address (IPv6: /64) in 15 minutes; more are answered 450 "
            "without asking the directory.",
            ge=10,
            le=1_000_000,
        ),
    ] = 1000
    forwarded_bounces: Annotated[
        int,
        Meta(
            description="Bounces to forwarded mail (SRS) from a client address (IPv6: /64) in 15 minutes; more "
            "are answered 450.",
            ge=1,
            le=1_000_000,
        ),
    ] = 1000
    max_failed_logins: Annotated[
        int, Meta(description="Failed log-ins of a session before it is ended.", ge=1, le=100)
    ] = 3
    login_delay: Annotated[
        Seconds,
        Meta(
            description="Seconds by which the first refused log-in of a client is delayed; each further refusal is "
            "delayed twice as long.",
            ge=0,
            le=60,
        ),
    ] = 0.5
    login_delay_limit: Annotated[
        Seconds, Meta(description="Seconds by which a refused log-in is delayed at most.", ge=0, le=60)
    ] = 8.0
    max_connections: Annotated[int, Meta(description="Connections to one port at once.", ge=1, le=100_000)] = 2000
    max_connections_per_address: Annotated[
        int,
        Meta(
            description="Connections of one client (IPv4 address or IPv6 /64) to one port at once; loopback is exempt.",
            ge=1,
            le=100_000,
        ),
    ] = 50
    max_handshakes: Annotated[
        int,
        Meta(
            description="TLS handshakes of one port at once, 60 KB each; a further one ends the oldest handshake of "
            "the client that has the most.",
            ge=1,
            le=100_000,
        ),
    ] = 500
    command_timeout: Annotated[
        Seconds, Meta(description="Seconds to wait for a command (RFC 5321 §4.5.3.2.7).", ge=1, le=3600)
    ] = 300.0
    data_timeout: Annotated[Seconds, Meta(description="Seconds to wait for more of a message.", ge=1, le=3600)] = 600.0
    transfer_timeout: Annotated[
        Seconds, Meta(description="Seconds that the transfer of one message may take.", ge=10, le=86400)
    ] = 7200.0
    handshake_timeout: Annotated[Seconds, Meta(description="Seconds that a TLS handshake may take.", ge=1, le=600)] = (
        30.0
    )
    refuse_full: Annotated[
        bool,
        Meta(description="Refuse mail to a full mailbox for good (552); otherwise its sender may try again (452)."),
    ] = False
    stop_grace: Annotated[
        Seconds, Meta(description="Seconds a stop waits for messages that are being accepted.", ge=0, le=300)
    ] = 5.0
    repeat_first: Annotated[
        Seconds, Meta(description="Seconds after which an unsettled reception is published again.", ge=0.1, le=3600)
    ] = 10.0
    repeat_longest: Annotated[
        Seconds, Meta(description="Longest pause between two repeats, in seconds.", ge=1, le=86400)
    ] = 300.0
    repeat_held: Annotated[
        Seconds,
        Meta(
            description="Pause between two repeats of a reception that is held by a dead letter, in seconds.",
            ge=1,
            le=604_800,
        ),
    ] = 3600.0
    expire_days: Annotated[
        float,
        Meta(
            description="Days after which a mail that is not settled becomes a dead letter; it is kept and still "
            "repeated at `ingress.repeat_held`.",
            ge=0.00001,
            le=365,
        ),
    ] = 5.0
    stuck_after: Annotated[
        Seconds,
        Meta(
            description="Seconds after which a mail that is not settled is reported as stuck by mailfold status.",
            ge=1,
            le=2_592_000,
        ),
    ] = 900.0
    repeats_waiting: Annotated[
        int,
        Meta(
            description="Unsettled receptions whose next repeat is scheduled in memory; the others are read from the "
            "database in rounds.",
            ge=10,
            le=1_000_000,
        ),
    ] = 20_000
    publishes_at_once: Annotated[
        int, Meta(description="Publishes that may wait for the bus at once.", ge=1, le=10_000)
    ] = 256
    reserve_bytes: Annotated[
        int,
        Meta(
            description="Octets of disk kept free: with less, MAIL is answered 452 and only mail that is already "
            "accepted is processed. 0: none.",
            ge=0,
            le=2**50,
        ),
    ] = 256 * 1024 * 1024
    reserve_percent: Annotated[
        int,
        Meta(
            description="Percent of the disk kept free, like `ingress.reserve_bytes`; the larger of the two values "
            "applies.",
            ge=0,
            le=90,
        ),
    ] = 0
    doubt_patience: Annotated[
        Seconds,
        Meta(
            description="Seconds to find out whether a mail was stored when the database failed before it answered "
            "the commit.",
            ge=0,
            le=300,
        ),
    ] = 30.0
    refusals_detailed: Annotated[
        int,
        Meta(
            description="Refusals a minute that are recorded in detail, per client address (IPv6: /64); further ones "
            "are only counted.",
            ge=1,
        ),
    ] = 60
    refusals_waiting: Annotated[
        int, Meta(description="Refusals kept in memory until they are written.", ge=1, le=100_000)
    ] = 2000


SECTIONS: Mapping[str, type[Section]] = {"ingress": IngressSettings, "resolver": ResolverSettings}

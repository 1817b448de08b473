"""Settings of the outbound queue."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from services.outbound.domain.kept_rows import KeptRows
from services.outbound.domain.next_hop import Network
from services.outbound.domain.schedule import AttemptTime, RetrySchedule
from services.outbound.domain.sending_limits import SendingLimits
from services.outbound.domain.tls_rules import TlsRules, parse_tls_rules
from shared.dns.settings import ResolverSettings
from shared.server_settings import UndoSettings
from shared.settings import Section
from shared.tls.versions import TlsMinimum


class OutboundSettings(UndoSettings, frozen=True):
    """The queue: its limits, its pauses, and what it may connect to."""

    sending: Annotated[
        bool, Meta(description="Whether mail is sent to other servers; when it is off, mail is accepted and kept.")
    ] = True
    max_waiting: Annotated[
        int, Meta(description="Most entries in the queue; above this number mail waits in the ingress.", ge=100)
    ] = 1_000_000
    retry_first: Annotated[
        float, Meta(description="Seconds before the first repeat of a failed attempt.", gt=0, le=86_400)
    ] = 300.0
    retry_longest: Annotated[
        float, Meta(description="Longest pause between two attempts, in seconds.", gt=0, le=604_800)
    ] = 14_400.0
    expire_days: Annotated[
        float, Meta(description="Days after which mail that was not delivered is returned to its sender.", gt=0, le=60)
    ] = 5.0
    delay_notice_hours: Annotated[
        float, Meta(description="Hours after which the sender is notified that the mail still waits.", gt=0, le=240)
    ] = 4.0
    destination_first: Annotated[
        float,
        Meta(
            description="Seconds until a destination that could not be reached is tried again, at first.",
            gt=0,
        ),
    ] = 60.0
    destination_longest: Annotated[
        float, Meta(description="Longest pause before such a destination is tried again, in seconds.", gt=0)
    ] = 3_600.0
    attempts_at_once: Annotated[int, Meta(description="Mails that are being sent at once.", ge=1, le=5000)] = 100
    per_destination: Annotated[
        int, Meta(description="Mails that are being sent to one destination at once.", ge=1, le=500)
    ] = 20
    ready_entries: Annotated[
        int,
        Meta(
            description="Most entries in memory, ready to be sent.",
            ge=100,
            le=1_000_000,
        ),
    ] = 5_000
    recipients_per_mail: Annotated[
        int, Meta(description="Recipients of one mail in one transaction.", ge=1, le=1000)
    ] = 100
    mails_per_connection: Annotated[
        int, Meta(description="Mails that are sent over one connection before it is closed.", ge=1, le=10_000)
    ] = 100
    connection_idle: Annotated[
        float, Meta(description="Seconds for which an open connection waits for the next mail.", ge=0, le=300)
    ] = 5.0
    connect_seconds: Annotated[
        float, Meta(description="Longest wait for a connection to one address, in seconds.", gt=0, le=300)
    ] = 30.0
    handshake_seconds: Annotated[
        float, Meta(description="Longest time of a TLS handshake with another server, in seconds.", gt=0, le=300)
    ] = 60.0
    attempt_seconds: Annotated[
        float,
        Meta(
            description="Longest time of one attempt with all its addresses, in seconds; a large message has more.",
            ge=60,
            le=7200,
        ),
    ] = 1_800.0
    slowest_octets_a_second: Annotated[
        int,
        Meta(
            description="The slowest line over which a message is still sent, in octets a second: an attempt may take "
            "longer than `attempt_seconds` by the size of its message at this rate.",
            ge=100,
            le=1_000_000,
        ),
    ] = 2_000
    addresses_per_attempt: Annotated[
        int, Meta(description="Addresses that one attempt connects to at most.", ge=1, le=64)
    ] = 8
    age_look_seconds: Annotated[
        float, Meta(description="Seconds between two looks for entries that are too old.", gt=0, le=3600)
    ] = 30.0
    tls_minimum: Annotated[TlsMinimum, Meta(description="The oldest TLS version that is used with other servers.")] = (
        "TLSv1.2"
    )
    authority: Annotated[
        str,
        Meta(
            description="A file of PEM certificates that are trusted besides the machine's, where a certificate is "
            "verified."
        ),
    ] = ""
    tls: Annotated[
        str,
        Meta(
            description="What TLS must prove with some domains, comma-separated, as in `example.com=verify, "
            ".partner.example=encrypt`: never, opportunistic, encrypt or verify; a leading dot stands for all domains "
            "below. It raises what DANE and MTA-STS ask, and never lowers it."
        ),
    ] = ""
    dnssec: Annotated[
        Literal["auto", "on", "off"],
        Meta(
            description="Whether the name servers validate DNSSEC, so that DANE is used; they are tested at the start "
            "and every hour. auto: when they are on this machine; on: also elsewhere, over a network that nobody can "
            "change."
        ),
    ] = "auto"
    dnssec_signed_name: Annotated[
        str, Meta(description="A name with a SOA record that is signed, to test the name servers with.")
    ] = "org"
    dnssec_broken_name: Annotated[
        str,
        Meta(description="A name whose signatures are broken, for which name servers that validate have no answer."),
    ] = "dnssec-failed.org"
    sts_port: Annotated[int, Meta(description="The port of MTA-STS policies.", ge=1, le=65_535)] = 443
    sts_seconds: Annotated[
        float, Meta(description="Longest time for the fetch of an MTA-STS policy, in seconds.", gt=0, le=300)
    ] = 30.0
    port: Annotated[int, Meta(description="The port of other mail servers.", ge=1, le=65_535)] = 25
    ipv6: Annotated[bool, Meta(description="Whether IPv6 addresses of other servers are used.")] = True
    own_names: Annotated[
        tuple[str, ...],
        Meta(description="Names of this server besides the mail host name, comma-separated: mail never goes to them."),
    ] = ()
    allow_networks: Annotated[
        str,
        Meta(
            description="Loopback, private and link-local networks to which mail may be sent, comma-separated; all "
            "other such addresses are skipped."
        ),
    ] = ""

    mails_an_hour: Annotated[
        int,
        Meta(description="Mails that one account sends to other servers in an hour; more are held. 0: no limit.", ge=0),
    ] = 500
    mails_a_day: Annotated[
        int,
        Meta(description="Mails that one account sends to other servers in a day; more are held. 0: no limit.", ge=0),
    ] = 3_000
    recipients_an_hour: Annotated[
        int,
        Meta(description="Recipients of an account on other servers in an hour. 0: no limit.", ge=0),
    ] = 1_000
    recipients_a_day: Annotated[
        int,
        Meta(description="Recipients of an account on other servers in a day. 0: no limit.", ge=0),
    ] = 5_000
    new_recipients_a_day: Annotated[
        int,
        Meta(
            description="Recipients to whom an account has never written before, in a day; mail to more of them is "
            "held. 0: no limit.",
            ge=0,
        ),
    ] = 500
    release_limited: Annotated[
        bool,
        Meta(
            description="Whether mail that was held because of a limit is released by itself when there is room; else "
            "an operator releases it."
        ),
    ] = True

    sent_days: Annotated[
        float,
        Meta(
            description="Days for which it is kept how much each account sent; the limits of an account need one day.",
            ge=2,
            le=3650,
        ),
    ] = 30.0
    known_recipients: Annotated[
        int,
        Meta(
            description="Recipients of an account that are remembered; the one that was written to least recently is "
            "forgotten, and counts as new again.",
            ge=100,
            le=10_000_000,
        ),
    ] = 20_000
    tls_result_days: Annotated[
        int, Meta(description="Days for which the TLS of connections to other domains is counted.", ge=2, le=3650)
    ] = 60
    sts_policy_days: Annotated[
        float, Meta(description="Days for which an MTA-STS policy is kept after its end.", ge=1, le=3650)
    ] = 30.0

    def kept_rows(self) -> KeptRows:
        """How much the tables that would grow without end keep."""
        return KeptRows(self.sent_days, self.known_recipients, self.tls_result_days, self.sts_policy_days)

    def sending_limits(self) -> SendingLimits:
        """The limits of an account as a value for decisions."""
        return SendingLimits(
            self.mails_an_hour,
            self.mails_a_day,
            self.recipients_an_hour,
            self.recipients_a_day,
            self.new_recipients_a_day,
        )

    def schedule(self) -> RetrySchedule:
        """The pauses as a value for decisions."""
        return RetrySchedule(
            self.retry_first,
            self.retry_longest,
            delay_notice=self.delay_notice_hours * 3600,
            expiry=self.expire_days * 86_400,
            destination_first=self.destination_first,
            destination_longest=self.destination_longest,
        )

    def attempt_time(self) -> AttemptTime:
        """The longest time of an attempt, as a value for decisions."""
        return AttemptTime(self.attempt_seconds, self.slowest_octets_a_second)

    def tls_rules(self) -> TlsRules:
        """The levels of `tls`. Raises ValueError for a text that is none."""
        return parse_tls_rules(self.tls)

    def allowed_networks(self) -> tuple[Network, ...]:
        """The networks of `allow_networks`. Raises ValueError for a text that is no network."""
        words = self.allow_networks.replace(",", " ").split()
        return tuple(ipaddress.ip_network(word, strict=False) for word in words)


SECTIONS: Mapping[str, type[Section]] = {"outbound": OutboundSettings, "resolver": ResolverSettings}

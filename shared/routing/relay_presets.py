"""What is known about relays: where they listen, how they want a log-in, and what they do to a message.

A preset is a set of defaults; an operator may give other values for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

RelayTls = Literal["starttls", "implicit", "none"]
"""STARTTLS and implicit TLS with a verified certificate, or clear text without log-in."""
LogIn = Literal["required", "optional", "none"]
Signatures = Literal["both", "rsa", "none"]
"""The DKIM signatures that a relay takes: RSA and Ed25519, one with RSA, or none."""

IMPLICIT_PORT = 465


class RelayProperties(msgspec.Struct, frozen=True):
    """What a relay takes, and how much of it."""

    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    """Names of SASL mechanisms for a user name and a password, the preferred one first."""
    signatures: Signatures = "both"
    unsigned_fields: tuple[str, ...] = ()
    """Lower-case names of header fields that the relay writes anew, so that no signature may cover them."""
    connections: int = 10
    """Connections at once."""
    messages_per_minute: int = 0
    """0: no limit is known."""
    recipients_per_message: int = 100
    accepts_null_reverse_path: bool = True
    """Whether it takes `MAIL FROM:<>`, as reports need (RFC 5321 §4.5.5)."""


class RelayPreset(msgspec.Struct, frozen=True):
    """The defaults of one relay."""

    name: str
    title: str
    host: str = ""
    """Empty when there is no default."""
    regional_host: str = ""
    """The host of a region, with `{region}` in it; empty when the relay has no regions."""
    port: int = 587
    tls: RelayTls = "starttls"
    log_in: LogIn = "required"
    hint: str = ""
    """What the user name and the password are."""
    properties: RelayProperties = RelayProperties()


DIRECT = "direct"
"""The preset that sends to the MX hosts, for a domain that does not use the default relay."""
_SES_FIELDS = ("message-id", "date", "return-path")

_ALL = (
    RelayPreset(DIRECT, "No relay: mail goes to the MX hosts", port=25, log_in="none"),
    RelayPreset(
        "ses",
        "Amazon SES",
        regional_host="email-smtp.{region}.amazonaws.com",
        hint="the SMTP credentials of SES, which are not an AWS access key; the region is that of the identity",
        properties=RelayProperties(
            signatures="rsa",
            unsigned_fields=_SES_FIELDS,
            messages_per_minute=840,
            recipients_per_message=50,
            accepts_null_reverse_path=False,
        ),
    ),
    RelayPreset(
        "sendgrid",
        "Twilio SendGrid",
        "smtp.sendgrid.net",
        "smtp.{region}.sendgrid.net",
        hint='the user name is "apikey", the password an API key with the right to send mail',
        properties=RelayProperties(recipients_per_message=1000, accepts_null_reverse_path=False),
    ),
    RelayPreset(
        "postmark",
        "Postmark",
        "smtp.postmarkapp.com",
        hint="an SMTP token: its access key and its secret key; or the server's API token as both",
        # It takes a message apart and makes a new one, which it signs itself; no signature of ours outlives that.
        properties=RelayProperties(signatures="none", recipients_per_message=50, accepts_null_reverse_path=False),
    ),
    RelayPreset(
        "mailgun",
        "Mailgun",
        "smtp.mailgun.org",
        "smtp.{region}.mailgun.org",
        hint="the SMTP credentials of the domain; the region is empty or eu",
        properties=RelayProperties(recipients_per_message=1000, accepts_null_reverse_path=False),
    ),
    RelayPreset(
        "sparkpost",
        "SparkPost",
        "smtp.sparkpostmail.com",
        "smtp.{region}.sparkpostmail.com",
        hint='the user name is "SMTP_Injection", the password an API key that may send via SMTP; the region is empty '
        "or eu",
        properties=RelayProperties(
            mechanisms=("LOGIN", "PLAIN"), recipients_per_message=1000, accepts_null_reverse_path=False
        ),
    ),
    RelayPreset(
        "google-relay",
        "Google Workspace SMTP relay",
        "smtp-relay.gmail.com",
        log_in="optional",
        hint="none when Google knows the address of this server; else an account and an app password",
    ),
    RelayPreset(
        "gmail",
        "Gmail, as one account",
        "smtp.gmail.com",
        hint="the address of the account and an app password; Gmail changes other senders to this address",
        properties=RelayProperties(connections=3, accepts_null_reverse_path=False),
    ),
    RelayPreset(
        "office365",
        "Microsoft 365, as one account",
        "smtp.office365.com",
        hint="the address and password of an account with authenticated SMTP switched on",
        properties=RelayProperties(
            mechanisms=("LOGIN",),
            signatures="none",  # Exchange converts the message, and signs it itself
            connections=3,
            messages_per_minute=30,
            recipients_per_message=500,
            accepts_null_reverse_path=False,
        ),
    ),
    RelayPreset(
        "smarthost",
        "Any other server that sends on",
        log_in="optional",
        hint="as its operator says; without a user name there is no log-in",
        properties=RelayProperties(mechanisms=("SCRAM-SHA-256", "PLAIN", "LOGIN")),
    ),
)

PRESETS: Mapping[str, RelayPreset] = {preset.name: preset for preset in _ALL}
"""All presets by name, in the order in which they are listed."""

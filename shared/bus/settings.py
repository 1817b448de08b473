"""How a process reaches the bus and how hard it tries."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.settings import Section

_SECRET = {"secret": True}


class BusSettings(Section, frozen=True, kw_only=True):
    """The same in every process of an installation."""

    url: Annotated[
        str, Meta(description="nats://host:port or tls://host:port of a NATS server; empty: Mailfold runs its own.")
    ] = ""
    user: Annotated[str, Meta(description="User name at the NATS server; empty where it asks for none.")] = ""
    password: Annotated[str, Meta(description="Password at the NATS server.", extra=_SECRET)] = ""
    ca_file: Annotated[
        str, Meta(description="Certificate authority (PEM file) of a tls:// server; empty: the system's.")
    ] = ""
    concurrency: Annotated[int, Meta(description="Handlers one worker runs at once.", ge=1, le=1000)] = 32
    max_attempts: Annotated[
        int,
        Meta(description="Unforeseen failures of a handler before its message becomes a dead letter.", ge=1, le=100),
    ] = 8
    ack_wait_seconds: Annotated[
        float,
        Meta(
            description="Seconds without an acknowledgement after which a message is delivered to another worker.",
            ge=1,
            le=3600,
        ),
    ] = 30.0
    publish_timeout_seconds: Annotated[
        float, Meta(description="Seconds after which an unconfirmed publish fails.", ge=0.1, le=300)
    ] = 5.0
    max_waiting_publishes: Annotated[
        int, Meta(description="Unconfirmed publishes above which the next fails at once.", ge=1)
    ] = 10_000
    connect_wait_seconds: Annotated[
        float, Meta(description="Seconds a start waits for the bus before it continues without the bus.", ge=0, le=300)
    ] = 5.0
    drain_seconds: Annotated[float, Meta(description="Seconds a stop waits for running handlers.", ge=0, le=300)] = 10.0

    def __repr__(self) -> str:
        """The settings without the password, because settings are logged."""
        return f"BusSettings(url={self.url!r}, user={self.user!r}, concurrency={self.concurrency})"

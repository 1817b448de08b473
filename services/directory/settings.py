"""Settings of the directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class DirectorySettings(Section, frozen=True):
    """Passwords and log-ins."""

    password_length: Annotated[int, Meta(description="Characters a new password must have at least.", ge=1, le=128)] = 8
    concurrent_hashes: Annotated[
        int, Meta(description="Passwords hashed at once (20 ms of CPU and 19 MiB each).", ge=1, le=64)
    ] = 2
    waiting_hashes: Annotated[
        int, Meta(description="Log-ins that may wait for a hash; more are refused for the moment.", ge=1, le=100_000)
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
        int, Meta(description="Refused log-ins to an account after which more are refused unheard.", ge=1, le=10_000)
    ] = 10
    failures_per_address: Annotated[
        int,
        Meta(
            description="Refused log-ins from a client address (IPv6: /64) after which more are refused unheard. Loopback is not counted.",
            ge=1,
        ),
    ] = 50
    failure_seconds: Annotated[
        int, Meta(description="Seconds after which a refused log-in is forgotten.", ge=1, le=86_400)
    ] = 600
    trusted_days: Annotated[
        int,
        Meta(
            description="Days an address that logged in to an account is not shut out by others' failures there; 0: never.",
            ge=0,
            le=365,
        ),
    ] = 7
    postmaster: Annotated[
        str,
        Meta(
            description="The address here that gets mail to postmaster and abuse of domains which have no such address; empty: it is refused there.",
            pattern=r"^([^@\s]+@[^@\s]+)?$",
        ),
    ] = ""
    fold_seconds: Annotated[
        int, Meta(description="Seconds log-ins are gathered before they are written down.", ge=1, le=3600)
    ] = 60


SECTIONS: Mapping[str, type[Section]] = {"directory": DirectorySettings}

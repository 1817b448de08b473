"""The configuration of SMTP sessions, from the settings."""

from __future__ import annotations

from services.ingress.domain.release_time import date_time
from services.ingress.settings import IngressSettings
from shared.protocol.sasl.exchange import WITH_PASSWORD
from shared.protocol.smtp.body import BareNewline
from shared.protocol.smtp.config import FutureRelease, Port, SessionConfig


def session_config(purpose: Port, hostname: str, settings: IngressSettings, *, implicit_tls: bool) -> SessionConfig:
    """A function that makes the configuration of a session, each with its own id."""
    is_submission = purpose is Port.SUBMISSION
    return SessionConfig(
        hostname=hostname,
        port=purpose,
        tls_offered=not implicit_tls,
        tls_active=implicit_tls,
        mechanisms=WITH_PASSWORD if is_submission else (),
        bare_newline=BareNewline(settings.bare_newline_submission if is_submission else settings.bare_newline_outside),
        enforce_sync=settings.enforce_sync_submission if is_submission else settings.enforce_sync_outside,
        max_message_size=settings.max_message_bytes,
        max_recipients=settings.max_recipients,
        max_bad_commands=settings.max_bad_commands,
        max_idle_commands=settings.max_idle_commands,
    )


def future_release(config: SessionConfig, longest: int, now: int) -> FutureRelease | None:
    """What a session that begins now offers of FUTURERELEASE (RFC 4865 §1): only to users.

    `longest` is the longest interval in seconds; 0: it is not offered. The latest time moves on while the session
    lasts, so a client may always use what it was offered.
    """
    if config.port is not Port.SUBMISSION or not longest:
        return None
    return FutureRelease(longest, date_time(now + longest * 1_000_000))

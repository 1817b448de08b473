"""The capabilities of POP3 in a session's present state (RFC 2449 §5, §6)."""

from __future__ import annotations

from services.access.pop3.session import PopSession

LANGUAGES = {"en": "English", "i-default": "Default language"}
"""The languages of the texts (RFC 6856 §3.2), which are both English."""


def offered(session: PopSession) -> list[str]:
    """The lines of CAPA. Passwords are taken under TLS alone."""
    lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8 USER", "LANG"]
    if not session.is_secure:
        lines.append("STLS")
    elif not session.is_logged_in:
        lines += ["USER", f"SASL {' '.join(session.mechanisms)}"]
    if session.is_logged_in:
        lines.append(f"EXPIRE {session.maildrop.expire_days or 'NEVER'}")
    return [*lines, "IMPLEMENTATION Mailfold"]

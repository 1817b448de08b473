"""The capabilities of ManageSieve (RFC 5804 §1.7)."""

from __future__ import annotations

from services.access.managesieve.session import ManageSieveSession


def offered(session: ManageSieveSession) -> dict[str, str | None]:
    """The capabilities in the session's present state, in order."""
    sieve = session.dependencies.sieve
    capabilities: dict[str, str | None] = {
        "IMPLEMENTATION": "Mailfold",
        "VERSION": "1.0",
        "SASL": " ".join(session.mechanisms) if session.is_secure else "",
        "SIEVE": " ".join(sorted(sieve.extensions)),
        "MAXREDIRECTS": str(sieve.redirects),
        "LANGUAGE": "en",
    }
    if "enotify" in sieve.extensions:
        capabilities["NOTIFY"] = "mailto"
    if "extlists" in sieve.extensions:  # lists to which a script redirects, and lists of senders (RFC 6134 §2.8)
        capabilities["EXTLISTS"] = "mailto urn"
    if not session.is_secure:
        capabilities["STARTTLS"] = None
    if session.account:
        capabilities |= {"OWNER": session.owner}
    return capabilities | {"UNAUTHENTICATE": None}

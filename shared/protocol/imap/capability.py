"""The capabilities that CAPABILITY lists in each state (RFC 3501 §7.2.1)."""

from collections.abc import Sequence

ALWAYS = ("IMAP4rev1", "LITERAL+", "SASL-IR", "ENABLE", "ID")
"""Capabilities before and after log-in."""

AFTER_LOGIN = (
    "IDLE",
    "NAMESPACE",
    "UIDPLUS",
    "MOVE",
    "UNSELECT",
    "CHILDREN",
    "CONDSTORE",
    "QRESYNC",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "OBJECTID",
    "STATUS=SIZE",
    "MULTIAPPEND",
    "CATENATE",
    "REPLACE",
    "BINARY",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "METADATA",
)
"""Capabilities after log-in that this grammar and these responses cover. A server lists those that its session
implements."""

ENABLEABLE = frozenset({"CONDSTORE", "QRESYNC", "METADATA"})
"""Extensions that ENABLE turns on; other names are ignored (RFC 5161 §3.1)."""


def before_login(
    secure: bool, mechanisms: Sequence[str], starttls: bool = True, cleartext_login: bool = False
) -> tuple[str, ...]:
    """The capabilities before log-in.

    Without TLS, log-in is not offered (LOGINDISABLED, RFC 3501 §6.2.3) unless the operator has allowed it.
    """
    names = ALWAYS if secure or not starttls else (*ALWAYS, "STARTTLS")
    if not secure and not cleartext_login:
        return (*names, "LOGINDISABLED")
    return (*names, *[f"AUTH={mechanism}" for mechanism in mechanisms])


def after_login(append_limit: int = 0, extensions: Sequence[str] = AFTER_LOGIN) -> tuple[str, ...]:
    """The capabilities after log-in; `append_limit` is in octets (RFC 7889), 0 for none."""
    names = (*ALWAYS, *extensions)
    return (*names, f"APPENDLIMIT={append_limit}") if append_limit else names


def newly_enabled(asked: Sequence[str], active: frozenset[str]) -> tuple[str, ...]:
    """The extensions that an ENABLE turns on now; QRESYNC includes CONDSTORE (RFC 7162 §3.2.3)."""
    known = [name for name in asked if name in ENABLEABLE and name not in active]
    return tuple(dict.fromkeys(known))

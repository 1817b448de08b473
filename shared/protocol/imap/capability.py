"""The capabilities that CAPABILITY lists in each state (RFC 3501 §7.2.1, RFC 9051 §7.2.2)."""

from collections.abc import Mapping, Sequence

ALWAYS = ("IMAP4rev1", "IMAP4rev2", "LITERAL+", "SASL-IR", "ENABLE", "ID")
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
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "THREAD=REFS",
    "MULTISEARCH",
    "FILTERS",
    "SAVEDATE",
    "CONTEXT=SEARCH",
    "CONTEXT=SORT",
    "SEARCH=FUZZY",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "OBJECTID",
    "STATUS=SIZE",
    "MULTIAPPEND",
    "CATENATE",
    "REPLACE",
    "PREVIEW",
    "BINARY",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "METADATA",
    "ACL",
    "RIGHTS=texk",
    "LIST-MYRIGHTS",
    "UNAUTHENTICATE",
    "INPROGRESS",
    "PARTIAL",
    "UTF8=ACCEPT",
    "LIST-METADATA",
    "NOTIFY",
)
"""Capabilities after log-in that this grammar and these responses cover. A server lists those that its session
implements."""

ENABLED_NAMES: Mapping[str, str] = {
    name.upper(): name for name in ("CONDSTORE", "QRESYNC", "METADATA", "IMAP4rev2", "UTF8=ACCEPT", "UIDONLY")
}
"""The extensions that ENABLE turns on, as ENABLED names them; other names are ignored (RFC 5161 §3.1)."""

COMPRESSION = "COMPRESS=DEFLATE"
"""Listed after log-in as long as the connection is not compressed (RFC 4978 §3)."""


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


def to_enable(asked: Sequence[str], offered: Sequence[str]) -> tuple[str, ...]:
    """The extensions of an ENABLE that are offered, also those that are active already.

    An ENABLED without a name would mean that none of them was successfully enabled (RFC 9051 §7.2.1).
    """
    known = [ENABLED_NAMES.get(name.upper(), "") for name in asked]
    return tuple(dict.fromkeys([name for name in known if name in offered]))

"""The extensions of Sieve: the names that `require` knows (RFC 5228 §2.10.5, §3.2), and what they imply."""

from __future__ import annotations

from enum import Enum


class ScriptContext(Enum):
    """Where a script runs; some actions are errors in some places (RFC 6785 §3.11)."""

    DELIVERY = "delivery"
    IMAP_EVENT = "IMAP event"
    APPLY_NOW = "apply now"


COMPARATOR_EXTENSIONS = {
    "i;octet": "comparator-i;octet",
    "i;ascii-casemap": "comparator-i;ascii-casemap",
    "i;ascii-numeric": "comparator-i;ascii-numeric",
    "i;unicode-casemap": "comparator-i;unicode-casemap",
}
BUILT_IN_COMPARATORS = frozenset({"comparator-i;octet", "comparator-i;ascii-casemap"})
"""Known without `require` (RFC 5228 §2.7.3); a script may still require them."""

EXTENSIONS = frozenset(
    {
        "body",
        "comparator-i;ascii-numeric",
        "comparator-i;unicode-casemap",
        "convert",
        "copy",
        "date",
        "duplicate",
        "editheader",
        "enclose",
        "encoded-character",
        "enotify",
        "envelope",
        "envelope-deliverby",
        "envelope-dsn",
        "environment",
        "ereject",
        "extlists",
        "extracttext",
        "fcc",
        "fileinto",
        "foreverypart",
        "ihave",
        "imapsieve",
        "imap4flags",
        "include",
        "index",
        "mailbox",
        "mailboxid",
        "mboxmetadata",
        "mime",
        "redirect-deliverby",
        "redirect-dsn",
        "regex",
        "reject",
        "relational",
        "replace",
        "servermetadata",
        "spamtest",
        "spamtestplus",
        "special-use",
        "subaddress",
        "vacation",
        "vacation-seconds",
        "variables",
        "virustest",
    }
    | BUILT_IN_COMPARATORS
)
"""Every extension of this interpreter. Which are switched on is the caller's choice."""

IMPLIED: dict[str, tuple[str, ...]] = {
    "vacation-seconds": ("vacation",),  # RFC 6131 §2
    "spamtestplus": ("spamtest",),  # RFC 5235 §2.3
}

NOT_IN_IMAP_EVENTS = frozenset({"reject", "ereject", "vacation", "vacation-seconds"})
"""RFC 6785 §3.11."""

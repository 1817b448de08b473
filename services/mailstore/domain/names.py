"""The mailboxes every account begins with, and special uses. What a mailbox may be called: shared/protocol/imap."""

from __future__ import annotations

from shared.protocol.imap.mailbox_name import INBOX

JUNK = "\\Junk"
DEFAULTS = (
    (INBOX, ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Spam", JUNK),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)
SPECIAL_USES = frozenset(use for _, use in DEFAULTS if use) | {"\\Flagged", "\\All"}

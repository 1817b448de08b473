"""The tables of `extracted.sqlite`."""

from __future__ import annotations

LAYOUT = 2
"""Raised when the tables change; a file of another layout is begun anew, because everything in it can be read again."""

CREATE = (
    # What was read out of the attachments of a blob. `octets` is the size of the compressed texts; `fleeting` says that
    # it may have failed for want of memory or CPU.
    "CREATE TABLE blob (blob TEXT PRIMARY KEY, version TEXT NOT NULL, tries INTEGER NOT NULL, kept_at INTEGER NOT NULL,"
    " octets INTEGER NOT NULL, conclusive INTEGER NOT NULL, fleeting INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE attachment (blob TEXT NOT NULL, place INTEGER NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL,"
    " media_type TEXT NOT NULL, status TEXT NOT NULL, detail TEXT NOT NULL, text BLOB NOT NULL,"
    " PRIMARY KEY (blob, place)) STRICT, WITHOUT ROWID",
    "CREATE TABLE use (blob TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (blob, account)) STRICT, WITHOUT ROWID",
    "CREATE INDEX use_account ON use (account, blob)",
    "CREATE INDEX blob_kept ON blob (kept_at, blob)",
    "CREATE INDEX blob_inconclusive ON blob (version, blob) WHERE conclusive = 0",
    "CREATE INDEX blob_fleeting ON blob (tries, blob) WHERE fleeting = 1",
    "CREATE INDEX attachment_failed ON attachment (blob, place) WHERE status IN ('limit', 'crashed', 'timeout',"
    " 'failed')",
)
FAILURES = ("limit", "crashed", "timeout", "failed")
"""What an operator is shown as failures; encrypted and unsupported files are none."""

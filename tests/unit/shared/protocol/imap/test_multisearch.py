"""The sources of ESEARCH (RFC 7377 §3)."""

from __future__ import annotations

import pytest

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.parse.multisearch import MOST_NAMES


def command(names: int) -> bytes:
    """An ESEARCH with so many names in two filters."""
    listed = [b" ".join([b"%d" % number for number in span]) for span in (range(names // 2), range(names // 2, names))]
    return b"a ESEARCH IN (mailboxes (%b) subtree (%b)) ALL" % tuple(listed)


def test_the_names_of_all_sources_together_have_an_end() -> None:
    largest = parse_command(command(MOST_NAMES))
    assert isinstance(largest, MultiSearch)
    assert sum(len(chosen.names) for chosen in largest.filters) == MOST_NAMES
    with pytest.raises(ImapSyntaxError, match="names at most"):
        parse_command(command(MOST_NAMES + 1))

r"""Searches for a user whose \Seen is his own: keys for \Seen and MODSEQ become sets of UIDs."""

from __future__ import annotations

from collections.abc import Iterator

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints import wire
from services.mailstore.handlers.own_seen import OwnSeen
from shared.protocol.imap.ranges import Ranges
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey, SearchKeys, UidSet

_MOST_RANGES = 100_000
"""Ranges of UIDs in a whole key that asks more than once."""

_MOST_MODSEQS = 4


class OwnSeenKeys:
    """Makes the keys of one search."""

    def __init__(self, own: OwnSeen, mailbox: str, account: str) -> None:
        self._own = own
        self._mailbox = mailbox
        self._account = account
        self._changed: dict[int, Ranges] = {}
        self._seen: Ranges = ()
        self._ranges = 0

    async def replaced(self, key: SearchKey) -> SearchKey:
        r"""The key; the same one when it asks neither for \Seen nor for a MODSEQ. Raises MailboxRefused LIMIT."""
        affected = [leaf for leaf in _leaves(key) if _asks_seen(leaf) or leaf.WhichOneof("key") == "modseq"]
        if not affected:
            return key
        if any(map(_asks_seen, affected)):
            self._seen = await self._own.seen(self._mailbox, self._account)
        for modseq in {leaf.modseq for leaf in affected if leaf.WhichOneof("key") == "modseq"}:
            if len(self._changed) >= _MOST_MODSEQS:
                raise MailboxRefused("LIMIT", f"a search names at most {_MOST_MODSEQS} different MODSEQs")
            self._changed[modseq] = await self._own.changed(self._mailbox, self._account, modseq - 1)
        return self._replaced(key)

    def _replaced(self, key: SearchKey) -> SearchKey:
        match key.WhichOneof("key"):
            case "all_of":
                inner = SearchKeys(keys=[self._replaced(part) for part in key.all_of.keys])
                return SearchKey(negated=key.negated, all_of=inner)
            case "any_of":
                inner = SearchKeys(keys=[self._replaced(part) for part in key.any_of.keys])
                return SearchKey(negated=key.negated, any_of=inner)
            case "flag" if _asks_seen(key):
                return SearchKey(negated=key.negated == key.flag.is_set, uids=self._uids(self._seen))
            case "modseq":
                changed = SearchKey(uids=self._uids(self._changed[key.modseq]))
                either = SearchKeys(keys=[SearchKey(modseq=key.modseq), changed])
                return SearchKey(negated=key.negated, any_of=either)
            case _:
                return key

    def _uids(self, uids: Ranges) -> UidSet:
        asked_before, self._ranges = self._ranges, self._ranges + len(uids)
        if asked_before and self._ranges > _MOST_RANGES:
            raise MailboxRefused("LIMIT", "the search asks too often what was read in a mailbox with so many gaps")
        return wire.uid_set(uids)


def _asks_seen(key: SearchKey) -> bool:
    return key.WhichOneof("key") == "flag" and key.flag.flag.lower() == "\\seen"


def asks_modseq(key: SearchKey) -> bool:
    """Whether the key asks for a MODSEQ, so that the answer names the highest one."""
    return any(leaf.WhichOneof("key") == "modseq" for leaf in _leaves(key))


def _leaves(key: SearchKey) -> Iterator[SearchKey]:
    waiting = [key]
    while waiting:
        present = waiting.pop()
        match present.WhichOneof("key"):
            case "all_of":
                waiting += present.all_of.keys
            case "any_of":
                waiting += present.any_of.keys
            case _:
                yield present

r"""Puts a user's own \Seen into answers that show the flags of messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.mailstore.handlers.own_seen import SeenMessages
from shared.protocol.imap.flags import SEEN
from shared.protocol.imap.ranges import Ranges, joined, ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


def with_seen(flags: Iterable[str], is_seen: bool) -> list[str]:
    r"""Flags with the user's own \Seen instead of the owner's."""
    others = [flag for flag in flags if flag != SEEN]
    return [SEEN, *others] if is_seen else others


def uids_of(batch: pb.FetchBatch) -> Ranges:
    """The messages of a batch."""
    return joined(sorted([*ranges(batch.uids), *((run.first, run.last) for run in batch.runs)]))


def show_in_batch(batch: pb.FetchBatch, seen: SeenMessages) -> list[int]:
    r"""Put \Seen into a batch; returns the messages without it."""
    runs = list(split_runs(batch.runs, seen))
    del batch.runs[:]
    batch.runs.extend(runs)
    if not batch.flags:
        return []
    states = [seen.of(uid) for uid in batch.uids]
    sets: dict[tuple[int, bool], int] = {}
    of_message = [(at, is_seen) for at, (is_seen, _) in zip(batch.flags, states, strict=True)]
    batch.flags[:] = [sets.setdefault(key, len(sets)) for key in of_message]
    lists = [pb.FlagList(flags=with_seen(batch.flag_sets[at].flags, is_seen)) for at, is_seen in sets]
    del batch.flag_sets[:]
    batch.flag_sets.extend(lists)
    batch.modseqs[:] = [max(pair) for pair in zip(batch.modseqs, (own for _, own in states), strict=True)]
    return [uid for uid, (is_seen, _) in zip(batch.uids, states, strict=True) if not is_seen]


def show_set(batch: pb.FetchBatch, uids: Sequence[int], version: int) -> None:
    r"""Show that this fetch has set \Seen on messages without it, at a version."""
    marked = set(uids)
    sets: dict[tuple[int, bool], int] = {}
    is_marked = [uid in marked for uid in batch.uids]
    batch.flags[:] = [sets.setdefault(key, len(sets)) for key in zip(batch.flags, is_marked, strict=True)]
    lists = [
        pb.FlagList(flags=with_seen(batch.flag_sets[at].flags, SEEN in batch.flag_sets[at].flags or is_set))
        for at, is_set in sets
    ]
    del batch.flag_sets[:]
    batch.flag_sets.extend(lists)
    batch.modseqs[:] = [version if is_set else modseq for is_set, modseq in zip(is_marked, batch.modseqs, strict=True)]
    batch.seen_set[:] = is_marked
    batch.version = max(batch.version, version)


def split_runs(runs: Iterable[pb.FlagRun], seen: SeenMessages) -> Iterator[pb.FlagRun]:
    r"""Runs of equal flags, divided where the user's \Seen or its MODSEQ differs."""
    for run in runs:
        for part in seen.split(run.first, run.last):
            flags, modseq = with_seen(run.flags, part.is_seen), max(run.modseq, part.modseq)
            yield pb.FlagRun(first=part.first, last=part.last, flags=flags, modseq=modseq)


def shown_changes(changed: Iterable[pb.Changed], seen: SeenMessages) -> Iterator[pb.Changed]:
    """Changed messages as the user sees them."""
    for change in changed:
        is_seen, modseq = seen.of(change.uid)
        flags = with_seen(change.flags, is_seen)
        yield pb.Changed(uid=change.uid, flags=flags, modseq=max(change.modseq, modseq))

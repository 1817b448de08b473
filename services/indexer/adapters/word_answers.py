"""The places of the documents that have the words of a query, best first."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np

from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.word_expression import WordExpression
from services.indexer.adapters.word_table import Scores, documents_without, scored
from services.indexer.domain.engine import Ranked
from services.indexer.domain.places import MailboxPlaces, among


def ranked_places(
    connection: apsw.Connection, mailboxes: Sequence[str], expression: WordExpression, limit: int
) -> list[Ranked]:
    """At most `limit` places in the mailboxes, or in all of them."""
    find = documents_without if expression.is_negated else scored
    scores = find(connection, expression.text)
    if not len(scores.documents):
        return []
    notes = Bookkeeping(connection)
    chosen = set(mailboxes)
    places = {name: notes.places(number) for number, name in notes.mailboxes().items() if not chosen or name in chosen}
    best = _best(scores, list(places.values()), limit)
    score_of = dict(zip(best.documents.tolist(), best.scores.tolist(), strict=True))
    ranked = []
    for name, there in places.items():
        hits = there.where(among(there.documents, best.documents))
        pairs = zip(hits.uids.tolist(), hits.documents.tolist(), strict=True)
        ranked += [Ranked(name, uid, score_of[document]) for uid, document in pairs]
    ranked.sort(key=lambda place: (-place.score, place.mailbox, -place.uid))
    return ranked[:limit]


def _best(scores: Scores, places: Sequence[MailboxPlaces], limit: int) -> Scores:
    """The best documents that have a place; as many as are asked for."""
    if not places:
        return Scores(scores.documents[:0], scores.scores[:0])
    there = among(scores.documents, np.concatenate([part.documents for part in places]))
    documents, values = scores.documents[there], scores.scores[there]
    order = np.lexsort((-documents, -values))[:limit]
    return Scores(documents[order], values[order])

"""The form of an index of texts in OpenSearch.

Texts are folded, and words are made, before OpenSearch gets them, so its analyzers only cut: text into pieces of one,
two and three characters without positions, and words at spaces. Nothing is a keyword but our own short ids, so no value
is too long to be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.protocol.message.folding import FOLDING_VERSION
from shared.protocol.message.scan import SCANNER_VERSION
from shared.protocol.message.search_texts import TEXTS_VERSION
from shared.protocol.search.words import WORDS_VERSION

VERSION = f"1 {TEXTS_VERSION} {SCANNER_VERSION} {FOLDING_VERSION} {WORDS_VERSION}"
"""Of the mapping and of what is in the documents. An index of another version is begun anew."""
GRAMS = ("head", "beside", "body", "attachment")
"""What TEXT looks at in the header; what only HEADER finds there; the body; the text of attachments."""
FIELDS = {"subject": "field.subject", "from": "field.sender", "to": "field.recipient", "cc": "field.copied"}
"""Fields of the header that have pieces of their own, because a header has nearly every short text somewhere."""
WORDS = ("subject", "sender", "recipients", "body", "attachments")
STORED = ("top", "main", "more")
"""The folded texts, compressed: of the header, of the body, and of attachments."""
LONGEST_GRAM = 3
_TOMBSTONES = "10m"
"""How long OpenSearch knows the version of what was deleted: longer than a delayed write may take."""


def index_body(shards: int, replicas: int, alias: str) -> Mapping[str, Any]:
    """The body of the request that makes an index."""
    return {"settings": {"index": _settings(shards, replicas)}, "mappings": _mappings(), "aliases": {alias: {}}}


def _settings(shards: int, replicas: int) -> Mapping[str, Any]:
    return {
        "number_of_shards": shards,
        "number_of_replicas": replicas,
        # The engine refreshes itself, because it must know which documents a refresh has covered.
        "refresh_interval": "-1",
        "codec": "best_compression",
        "max_ngram_diff": LONGEST_GRAM - 1,
        "gc_deletes": _TOMBSTONES,
        # A merge that removes deleted documents leaves none of them behind.
        "merge": {"policy": {"expunge_deletes_allowed": 0}},
        "analysis": {
            "tokenizer": {"grams": {"type": "ngram", "min_gram": 1, "max_gram": LONGEST_GRAM}},
            "analyzer": {
                "grams": {"type": "custom", "tokenizer": "grams"},
                "words": {"type": "custom", "tokenizer": "whitespace"},
            },
        },
    }


def _mappings() -> Mapping[str, Any]:
    grams = {"type": "text", "analyzer": "grams", "index_options": "docs", "norms": False}
    words = {"type": "text", "analyzer": "words"}
    name = {"type": "keyword", "doc_values": False}
    fields = {path.partition(".")[2]: grams for path in FIELDS.values()}
    return {
        "_meta": {"version": VERSION},
        "dynamic": "strict",
        "_routing": {"required": True},
        # What is only searched is not kept as it was sent.
        "_source": {"excludes": [*GRAMS, "field", "word"]},
        "properties": {
            "account": name,
            "epoch": name,
            "number": {"type": "long"},
            **dict.fromkeys(GRAMS, grams),
            "field": {"properties": fields},
            "word": {"properties": dict.fromkeys(WORDS, words)},
            "stored": {"type": "object", "enabled": False},
        },
    }

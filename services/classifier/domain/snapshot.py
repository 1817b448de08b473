"""The model ↔ bytes. Equal models give equal bytes, so two models are compared by their snapshots."""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from services.classifier.domain.compact import CorruptFeatures, pack, pack_set, unpack, unpack_set
from services.classifier.domain.evidence import Counts, TokenCounts
from services.classifier.domain.features import TOKENIZER_VERSION
from services.classifier.domain.hashing import TOKEN_SIZE, TRIGRAM_SIZE
from services.classifier.domain.model import Model
from services.classifier.domain.second_opinion import Facts, TrigramModel

SNAPSHOT_VERSION = 1


class UnusableSnapshot(ValueError):
    """Bytes that are no snapshot of this version and tokenizer: the model has to be made from its facts."""


class _Counts(msgspec.Struct, frozen=True, array_like=True):
    seen: int
    tokens: bytes
    counts: bytes


class _Second(msgspec.Struct, frozen=True, array_like=True):
    trigrams: bytes
    weights: bytes
    bias: float
    shift: float
    facts: tuple[int, int, int]


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    version: int
    tokenizer_version: int
    spam: _Counts
    ham: _Counts
    second: _Second
    bayes_shift: float


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_Snapshot)


def evidence_snapshot(counts: TokenCounts) -> bytes:
    """The evidence alone: what unlearning leaves exactly as if the fact had never been."""
    return _encode((_counts(counts.spam_seen, counts.spam), _counts(counts.ham_seen, counts.ham)))


def snapshot(model: Model) -> bytes:
    """The whole model: about 1 MB for a thousand messages."""
    counts = model.counts
    return _encode(
        _Snapshot(
            SNAPSHOT_VERSION,
            TOKENIZER_VERSION,
            _counts(counts.spam_seen, counts.spam),
            _counts(counts.ham_seen, counts.ham),
            _second(model.second),
            model.bayes_shift,
        )
    )


def restore(data: bytes) -> Model:
    """The model of a snapshot. Raises UnusableSnapshot."""
    try:
        stored = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise UnusableSnapshot(str(error)) from error
    if (stored.version, stored.tokenizer_version) != (SNAPSHOT_VERSION, TOKENIZER_VERSION):
        raise UnusableSnapshot(f"version {stored.version}, tokenizer {stored.tokenizer_version}")
    try:
        return _model(stored)
    except CorruptFeatures as error:
        raise UnusableSnapshot(str(error)) from error


def _counts(seen: int, counts: Counts) -> _Counts:
    tokens = np.flatnonzero(counts)
    return _Counts(seen, pack_set(tokens.astype(np.uint32)), pack(counts[tokens].astype(np.uint32)))


def _second(second: TrigramModel) -> _Second:
    trigrams = np.flatnonzero(second.weights)
    weights = second.weights[trigrams].astype("<f8").tobytes()
    return _Second(pack_set(trigrams.astype(np.uint32)), weights, second.bias, second.shift, second.facts)


def _model(stored: _Snapshot) -> Model:
    model = Model()
    model.counts.spam_seen, model.counts.ham_seen = stored.spam.seen, stored.ham.seen
    _fill(model.counts.spam, stored.spam)
    _fill(model.counts.ham, stored.ham)
    _fill_second(model.second, stored.second)
    model.bayes_shift = stored.bayes_shift
    return model


def _fill(counts: Counts, stored: _Counts) -> None:
    numbers = unpack(stored.counts)
    counts[_indices(stored.tokens, TOKEN_SIZE, len(numbers))] = numbers.astype(np.int32)


def _fill_second(second: TrigramModel, stored: _Second) -> None:
    if len(stored.weights) % 8:
        raise CorruptFeatures("weights are cut off")
    weights = np.frombuffer(stored.weights, "<f8")
    if not (bool(np.isfinite(weights).all()) and math.isfinite(stored.bias) and math.isfinite(stored.shift)):
        raise CorruptFeatures("weights are no numbers")
    second.weights[_indices(stored.trigrams, TRIGRAM_SIZE, len(weights))] = weights
    second.bias, second.shift, second.facts = stored.bias, stored.shift, Facts(*stored.facts)


def _indices(data: bytes, size: int, count: int) -> npt.NDArray[np.uint32]:
    indices = unpack_set(data, size)
    if len(indices) != count:
        raise CorruptFeatures("indices and values differ in number")
    return indices

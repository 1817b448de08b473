"""Converts the model to bytes and back.

Equal models give equal bytes, so two models can be compared by their snapshots.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from services.classifier.domain.calibration import Calibration
from services.classifier.domain.compact import CorruptFeatures, pack, pack_set, unpack, unpack_set
from services.classifier.domain.evidence import Counts, TokenCounts
from services.classifier.domain.features import TOKENIZER_VERSION
from services.classifier.domain.hashing import TOKEN_SIZE
from services.classifier.domain.linear import LinearModel, TrainedCounts
from services.classifier.domain.model import Model

SNAPSHOT_VERSION = 2


class UnusableSnapshot(ValueError):
    """The bytes are not a snapshot of this version and tokenizer; the model must be rebuilt from its lessons."""


class _Counts(msgspec.Struct, frozen=True, array_like=True):
    seen: int
    tokens: bytes
    counts: bytes


class _Linear(msgspec.Struct, frozen=True, array_like=True):
    indices: bytes
    weights: bytes
    bias: float
    calibration: tuple[float, float]
    trained: tuple[int, int, int]


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    version: int
    tokenizer_version: int
    spam: _Counts
    ham: _Counts
    text: _Linear
    header: _Linear
    unlearned: int
    bayes: tuple[float, float]


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_Snapshot)


def evidence_snapshot(counts: TokenCounts) -> bytes:
    """The bytes of the evidence alone; they are the same before a lesson and after it was unlearned."""
    return _encode((_counts(counts.spam_seen, counts.spam), _counts(counts.ham_seen, counts.ham)))


def snapshot(model: Model) -> bytes:
    """The bytes of the whole model: about 1 MB for a thousand messages."""
    counts = model.counts
    return _encode(
        _Snapshot(
            SNAPSHOT_VERSION,
            TOKENIZER_VERSION,
            _counts(counts.spam_seen, counts.spam),
            _counts(counts.ham_seen, counts.ham),
            _linear(model.linear.text),
            _linear(model.linear.header),
            model.linear.unlearned,
            model.bayes,
        )
    )


def restore(data: bytes) -> Model:
    """The model from the bytes of a snapshot. Raises UnusableSnapshot."""
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


def _linear(model: LinearModel) -> _Linear:
    indices = np.flatnonzero(model.weights)
    weights = model.weights[indices].astype("<f8").tobytes()
    return _Linear(pack_set(indices.astype(np.uint32)), weights, model.bias, model.calibration, model.trained)


def _model(stored: _Snapshot) -> Model:
    model = Model()
    model.counts.spam_seen, model.counts.ham_seen = stored.spam.seen, stored.ham.seen
    _fill(model.counts.spam, stored.spam)
    _fill(model.counts.ham, stored.ham)
    _fill_linear(model.linear.text, stored.text)
    _fill_linear(model.linear.header, stored.header)
    model.linear.unlearned = stored.unlearned
    model.bayes = _calibration(stored.bayes)
    return model


def _fill(counts: Counts, stored: _Counts) -> None:
    numbers = unpack(stored.counts)
    counts[_indices(stored.tokens, TOKEN_SIZE, len(numbers))] = numbers.astype(np.int32)


def _fill_linear(model: LinearModel, stored: _Linear) -> None:
    if len(stored.weights) % 8:
        raise CorruptFeatures("weights are cut off")
    weights = np.frombuffer(stored.weights, "<f8")
    if not np.isfinite(weights).all():
        raise CorruptFeatures("weights are no numbers")
    model.weights[_indices(stored.indices, len(model.weights), len(weights))] = weights
    model.bias, model.calibration, model.trained = (
        _finite(stored.bias),
        _calibration(stored.calibration),
        TrainedCounts(*stored.trained),
    )


def _calibration(stored: tuple[float, float]) -> Calibration:
    middle, spread = stored
    if not spread > 0:
        raise CorruptFeatures("a spread is not above 0")
    return Calibration(_finite(middle), _finite(spread))


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise CorruptFeatures("a value is no number")
    return value


def _indices(data: bytes, size: int, count: int) -> npt.NDArray[np.uint32]:
    indices = unpack_set(data, size)
    if len(indices) != count:
        raise CorruptFeatures("indices and values differ in number")
    return indices

"""Generated scripts over the corpus in Mailfold and in Pigeonhole; all differences are justified (docs/sieve.md).

MAILFOLD_TEST_SIEVE_SCRIPTS=200 makes the long run, in which each script runs over the whole corpus.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.corpus.spam_corpus import ARCHIVE, mails
from tests.harness.shown import Show
from tests.interop.sieve.compare import Comparer
from tests.interop.sieve.keys import Keys
from tests.interop.sieve.scripts import generate
from tests.parts import pigeonhole as part
from tests.parts.pigeonhole import Pigeonhole, pigeonhole
from tests.parts.required import needs

needs(part)
pytestmark = pytest.mark.timeout(3600)
_SCRIPTS = int(os.environ.get("MAILFOLD_TEST_SIEVE_SCRIPTS", "0"))
_SHORT_SCRIPTS, _SHORT_STEP = 40, 12
_COLLECTED = 120
"""Messages of the spam corpus beside those of mime4j."""


@pytest.fixture(scope="module")
def corpus(test_data: Path) -> Mapping[str, bytes]:
    """The messages by name, with CRLF."""
    messages = {path.name: _as_sent(path.read_bytes()) for path in sorted((test_data / "mime").rglob("*.msg"))}
    archive = test_data / ARCHIVE
    collected = mails(archive) if archive.is_file() else []
    random.Random(5228).shuffle(collected)
    return messages | {f"{mail.kind}/{mail.name}": mail.body for mail in collected[:_COLLECTED]}


@pytest.fixture(scope="module")
def other() -> Iterator[Pigeonhole]:
    """Pigeonhole."""
    with pigeonhole() as running:
        yield running


def _as_sent(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_generated_scripts_decide_the_same(corpus: Mapping[str, bytes], other: Pigeonhole, show: Show) -> None:
    keys, comparer = Keys(corpus.values()), Comparer(other, corpus, datetime.now(UTC))
    names = list(corpus)
    step = 1 if _SCRIPTS else _SHORT_STEP
    for seed in range(_SCRIPTS or _SHORT_SCRIPTS):
        comparer.compare(f"seed{seed}", generate(seed, keys), names[seed % step :: step])
    show(str(comparer.comparison))
    assert comparer.comparison.others == [], "\n".join(comparer.comparison.others[:20])

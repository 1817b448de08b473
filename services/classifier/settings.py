"""Settings of the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class ClassifierSettings(Section, frozen=True):
    """How mails are judged."""

    threshold: Annotated[float, Meta(description="Score from which a mail is spam.", ge=0.1, le=100)] = 5.0
    second_opinion: Annotated[bool, Meta(description="Let the linear models contribute to the score beside Bayes.")] = (
        True
    )
    bytes_examined: Annotated[int, Meta(description="Octets of a message that are examined.", ge=4096, le=67108864)] = (
        524288
    )
    words_kept: Annotated[int, Meta(description="Words kept with a verdict to explain it.", ge=0, le=100)] = 15
    concurrency: Annotated[int, Meta(description="Mails judged at once.", ge=1, le=1000)] = 32
    rebuild_delay: Annotated[
        float,
        Meta(
            description="Seconds without a new lesson after which the linear models are trained again.", ge=0.1, le=3600
        ),
    ] = 2.0


SECTIONS: Mapping[str, type[Section]] = {"classifier": ClassifierSettings}

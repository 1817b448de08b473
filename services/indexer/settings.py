"""Settings of the indexer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from services.indexer.index_settings import IndexSettings
from shared.settings import Section


class ExtractionSettings(Section, frozen=True):
    """What reading the text of attachments may cost."""

    enabled: Annotated[bool, Meta(description="Read the text of attachments, so that it can be searched.")] = True
    processes: Annotated[
        int, Meta(description="Attachments read at once, each in a process of its own.", ge=1, le=16)
    ] = 1
    input_mb: Annotated[
        int, Meta(description="Size of an attachment, in MB, above which it is not read.", ge=1, le=2048)
    ] = 50
    characters: Annotated[
        int,
        Meta(
            description="Characters that are kept of all attachments of a mail together; what follows is not searched.",
            ge=1000,
            le=100_000_000,
        ),
    ] = 4_000_000
    seconds: Annotated[
        float, Meta(description="Seconds after which reading an attachment is given up.", ge=1, le=3600)
    ] = 60.0
    mail_seconds: Annotated[
        float,
        Meta(description="Seconds after which reading further attachments of a mail is given up.", ge=1, le=86400),
    ] = 180.0
    cpu_seconds: Annotated[
        int, Meta(description="CPU seconds after which reading an attachment is given up.", ge=1, le=3600)
    ] = 20
    memory_mb: Annotated[
        int, Meta(description="Memory, in MB, that a process reading an attachment may use.", ge=128, le=65536)
    ] = 512
    attachments: Annotated[
        int, Meta(description="Attachments of a mail that are read, nested ones included.", ge=1, le=10_000)
    ] = 100
    depth: Annotated[
        int,
        Meta(description="Depth to which mails attached as files within attached mails are read.", ge=0, le=50),
    ] = 5
    requests: Annotated[
        int, Meta(description="Attachments after which a reading process is replaced.", ge=1, le=10_000)
    ] = 50
    idle_seconds: Annotated[
        float, Meta(description="Seconds without an attachment after which a reading process ends.", ge=0, le=3600)
    ] = 10.0
    store_mb: Annotated[
        int,
        Meta(
            description="Size, in MB, of the compressed texts that are kept; above it the oldest are dropped, and read "
            "again when they are needed.",
            ge=1,
            le=1_048_576,
        ),
    ] = 1024


SECTIONS: Mapping[str, type[Section]] = {"index": IndexSettings, "extraction": ExtractionSettings}

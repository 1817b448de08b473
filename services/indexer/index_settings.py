"""Settings of the text index."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.settings import Section

EngineName = Literal["embedded", "opensearch", "off"]


class IndexSettings(Section, frozen=True):
    """The text index, which only speeds up searches: without it, messages are read."""

    engine: Annotated[
        EngineName,
        Meta(description="Where the text index is kept: in files of this installation, in OpenSearch, or nowhere."),
    ] = "embedded"
    gather_seconds: Annotated[
        float,
        Meta(
            description="Seconds for which new mail is collected before it is indexed. It is found meanwhile.",
            ge=0,
            le=60,
        ),
    ] = 0.5
    fill_share: Annotated[
        float,
        Meta(
            description="Part of the time in which the mail of other days is indexed in the background.", ge=0.01, le=1
        ),
    ] = 0.5
    open_files: Annotated[
        int, Meta(description="Files of accounts that are kept open; each holds up to 2 MB.", ge=1, le=10_000)
    ] = 16
    reserve_bytes: Annotated[
        int,
        Meta(
            description="Octets of disk kept free: with less, nothing is added to the index, so that it never takes "
            "the room of mail. 0: none.",
            ge=0,
            le=2**50,
        ),
    ] = 512 * 1024 * 1024
    answers_at_once: Annotated[
        int, Meta(description="Searches of one account that the index answers at once; others wait.", ge=1, le=100)
    ] = 2
    sweep_seconds: Annotated[
        float,
        Meta(description="Seconds after which removed messages leave the index; they are not shown meanwhile.", ge=0),
    ] = 300.0
    compare_hours: Annotated[
        float, Meta(description="Hours after which all accounts are compared with the index.", ge=0.01, le=8760)
    ] = 24.0
    shards: Annotated[
        int,
        Meta(
            description="Shards of an index in OpenSearch; an account is in one of them. It holds for the next index, "
            "which `mailfold index rebuild` makes.",
            ge=1,
            le=100,
        ),
    ] = 2
    refresh_seconds: Annotated[
        float,
        Meta(
            description="Seconds between refreshes of OpenSearch that searches cause. Newer mail is read meanwhile.",
            ge=0,
            le=60,
        ),
    ] = 1.0
    expunge: Annotated[
        bool,
        Meta(
            description="Ask OpenSearch, after an account was erased, to rewrite its files without what was deleted. "
            "Otherwise that happens when it merges them."
        ),
    ] = True

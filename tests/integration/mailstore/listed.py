"""A mailbox store with a listing, beside the answers that the messages themselves give."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.handlers.fetch import Fetcher, RequestedAttributes
from services.mailstore.listing.columns import Kind, Record, decode_page
from services.mailstore.listing.page_file import PageFile
from services.mailstore.listing.pages import Listing
from services.mailstore.listing.summaries import MessageSummary, Summaries
from services.mailstore.search.scan import Searcher
from shared.blobs.blob_id import BlobId
from shared.blobs.memory import MemoryBlob
from shared.protocol.message.scan import decode_scan
from shared.protocol.message.text import preview_of
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.waiting import until_true
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, spans

ALL = ((1, 1 << 31),)
EVERYTHING = RequestedAttributes(envelope=True, body=True, body_structure=True, size=True)


class Listed:
    """Asks with the listing and without."""

    def __init__(self, mailstore: CountedMailstore) -> None:
        self.mailstore = mailstore
        self.reads = 0
        """Messages that were read."""
        read = mailstore.blobs.read

        async def counted(blob: BlobId) -> MemoryBlob:
            self.reads += 1
            return await read(blob)

        mailstore.blobs.read = counted  # type: ignore[method-assign]

    async def mailbox(self, name: str = "INBOX") -> str:
        """The id of a mailbox."""
        request = pb.ListMailboxesRequest(account=ACCOUNT, name=name)
        listed: pb.MailboxList = await self.mailstore.call("ListMailboxes", request)
        return listed.mailboxes[0].id

    async def fetched(
        self, mailbox: str, requested: RequestedAttributes = EVERYTHING, *, listed: bool = True
    ) -> dict[int, bytes]:
        """The attributes of all messages of a mailbox, by UID."""
        store = self.mailstore
        fetcher = Fetcher(store.store, store.blobs, store.turns, store.listing if listed else Listing(None))
        return {
            message.uid: attributes
            async for batch in fetcher.fetch(mailbox, ALL, requested, 0)
            for message, attributes in zip(batch.messages, batch.attributes, strict=True)
        }

    async def found(self, mailbox: str, key: pb.SearchKey, *, listed: bool = True) -> list[int]:
        """The UIDs that match."""
        store = self.mailstore
        searcher = Searcher(store.store, store.blobs, store.turns, 100, store.listing if listed else Listing(None))
        return [uid async for page, _ in searcher.search(mailbox, key, 0) for uid in page]

    async def summaries(self, mailbox: str, *, listed: bool = True) -> list[MessageSummary]:
        """The summaries of all messages of a mailbox."""
        store = self.mailstore
        summaries = Summaries(store.store, store.blobs, store.turns, store.listing if listed else Listing(None))
        return [summary async for page in summaries.read(mailbox, ALL) for summary in page]

    async def previews(self, mailbox: str) -> dict[int, str]:
        """The previews that the listing has of a mailbox, by UID."""
        store = self.mailstore
        fetcher = Fetcher(store.store, store.blobs, store.turns, store.listing)
        return {
            message.uid: preview
            async for batch in fetcher.fetch(mailbox, ALL, RequestedAttributes(size=True, preview=True), 0)
            for message, preview in zip(batch.messages, batch.previews or (), strict=True)
            if preview is not None
        }

    async def made_previews(self, mailbox: str) -> dict[int, str]:
        """The previews that the messages themselves give."""
        store, made = self.mailstore, dict[int, str]()
        rows = await store.store.read(
            lambda reader: reader.all("SELECT uid, blob FROM entry WHERE mailbox = ?", (mailbox,))
        )
        for uid, blob in rows:
            stored = await store.blobs.read(BlobId(blob))
            made[uid] = preview_of(decode_scan(stored.scan), stored.read)
        return made

    async def equals_the_messages(self, mailbox: str) -> None:
        """Compare what the listing says with what the messages say."""
        assert await self.fetched(mailbox) == await self.fetched(mailbox, listed=False)
        assert await self.summaries(mailbox) == await self.summaries(mailbox, listed=False)
        assert (await self.previews(mailbox)).items() <= (await self.made_previews(mailbox)).items()

    async def records(self, mailbox: str) -> list[Record]:
        """What the file has of a mailbox."""

        def work(file: PageFile) -> list[Record]:
            columns = (file.columns(page.id, Kind) for page in file.ranges(mailbox))
            return [record for held in columns if held for record in decode_page(held)]

        return await self.mailstore.listing.write(work) or []

    async def has(self, mailbox: str, uids: Sequence[int]) -> None:
        """Wait until the file has these messages of a mailbox and no others."""

        async def has() -> bool:
            return [record.uid for record in await self.records(mailbox)] == list(uids)

        await until_true(has)

    async def built(self, name: str = "INBOX") -> str:
        """Read a mailbox, and wait until its pages are built; returns its id."""
        mailbox = await self.mailbox(name)
        await self.has(mailbox, list(await self.fetched(mailbox)))
        return mailbox

    async def close(self) -> None:
        """Close the file, as at the end of a process."""
        await self.mailstore.builder.stop()
        await self.mailstore.listing.close()

    def open(self) -> None:
        """Open the file, as at the start of a process."""
        self.mailstore.listing.open(self.mailstore.builder.lacks)
        self.mailstore.builder.start()


def uid_set(first: int, last: int) -> pb.UidSet:
    """A range of UIDs in the form of a request."""
    return spans((first, last))

"""Judges each mail once; a repeated mail gets the recorded verdict.

There is one verdict for all recipients. So the lessons of an account count more only when all recipients of the mail
belong to that account; the verdict then names the account and the number of its lessons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from services.classifier.domain.evidence import AccountCounts
from services.classifier.domain.features import Features, features
from services.classifier.domain.listed_senders import hit_of
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.spam_headers import spam_headers
from services.classifier.domain.verdict import Hit, Verdict, judge
from services.classifier.handlers.own_evidence import OwnEvidence
from services.classifier.handlers.sender_lists import MailListing, SenderLists
from services.classifier.handlers.teacher import Teacher
from services.classifier.settings import ClassifierSettings
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.events.mail import MailReceived
from shared.events.spam import ListVerdict, MailClassified, RecordedVerdict, Test, Word
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import VersionConflict
from shared.failures import Failure, failure_of
from shared.protocol.message.scan import Scan
from shared.scans import scan_of

log = structlog.get_logger("classifier")
ACTOR = Actor("service", "classifier")
VERSION = "mailfold"
_PATTERNS = 10
"""Patterns of accounts' own lists that a verdict names."""
_UNREADABLE = Hit("UNREADABLE", 0.0, "The message could not be read, so nothing was judged")


class Recipients(Protocol):
    """Finds the account to which addresses belong."""

    def account_of(self, addresses: Sequence[str]) -> str:
        """The account to which all these addresses belong.

        It is "" when they belong to several accounts or to another server, or are unknown.
        """


class _Examined(NamedTuple):
    """The result of examining a mail.

    It holds the model's opinion, other tests that matched, and the account whose own lessons counted more.
    """

    opinion: Opinion | None
    tests: tuple[Hit, ...] = ()
    account: str = ""
    own: AccountCounts | None = None


class Judge:
    """Judges mails and records the verdicts."""

    def __init__(
        self,
        store: EventStore,
        blobs: Blobs,
        teacher: Teacher,
        settings: ClassifierSettings,
        recipients: Recipients,
        own: OwnEvidence,
        lists: SenderLists,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._teacher = teacher
        self._settings = settings
        self._recipients = recipients
        self._own = own
        self._lists = lists

    async def classify(self, mail: MailReceived) -> MailClassified:
        """The verdict on a mail; it is recorded before this returns."""
        # Look for a recorded verdict first: under load many mails are repeated, and examining them again would add to
        # the load.
        return await self._earlier_verdict(mail.queue_id) or await self._judge(mail)

    async def _earlier_verdict(self, queue_id: str) -> MailClassified | None:
        for recorded in await self._store.read_stream(queue_id, limit=1):
            assert isinstance(recorded.event, MailClassified)
            return recorded.event
        return None

    async def _judge(self, mail: MailReceived) -> MailClassified:
        examined_mail, listing = await self._examined(mail), self._lists.of(mail)
        server = () if listing.server is None else (hit_of(listing.server, "the server"),)
        judged = judge(examined_mail.opinion, (*examined_mail.tests, *server), self._settings.threshold)
        recorded = _recorded_verdict(judged, examined_mail, self._settings.words_kept)
        if listing.own:
            recorded = msgspec.structs.replace(recorded, lists=tuple(self._own_verdicts(examined_mail, listing)))
        classified = MailClassified(mail.queue_id, recorded, spam_headers(judged, VERSION))
        provenance = Provenance(ACTOR, correlation=mail.queue_id)
        try:
            await self._store.write(
                lambda transaction: transaction.append(mail.queue_id, [classified], provenance, expected=0)
            )
        except VersionConflict:
            return await self._earlier_verdict(mail.queue_id) or classified
        return classified

    def _own_verdicts(self, examined_mail: _Examined, listing: MailListing) -> Iterator[ListVerdict]:
        """The verdicts for accounts whose own lists have the sender; the server's lists do not count for them."""
        for _, accounts, entries in listing.own:
            test = hit_of(entries[0], "the account")
            judged = judge(examined_mail.opinion, (*examined_mail.tests, test), self._settings.threshold)
            patterns = tuple(entry.pattern for entry in entries[:_PATTERNS])
            headers = spam_headers(judged, VERSION)
            yield ListVerdict(test.name, judged.is_spam, judged.score, accounts, headers, patterns)

    async def _examined(self, mail: MailReceived) -> _Examined:
        """Examine a mail.

        A mail that cannot be read is not judged, and the verdict says so, because the mail must go on.
        """
        try:
            mail_features = features(*await examined(self._blobs, mail.message.blob, self._settings.bytes_examined))
            return await self._opinion(mail, mail_features)
        except BlobError as error:
            log.error("classifier.unreadable", queue_id=mail.queue_id, error=str(error))
        except Exception as error:
            if failure_of(error) is Failure.UNAVAILABLE:
                raise
            log.error("classifier.not_judged", queue_id=mail.queue_id, blob=mail.message.blob, exc_info=error)
        return _Examined(None, (_UNREADABLE,))

    async def _opinion(self, mail: MailReceived, mail_features: Features) -> _Examined:
        if not self._teacher.model.is_ready:
            return _Examined(None)
        account = self._recipients.account_of([recipient.address for recipient in mail.recipients])
        own = await self._own.evidence_of(account)
        opinion = self._teacher.model.opinion(mail_features, own)
        if opinion is not None and not self._settings.second_opinion:
            opinion = opinion._replace(text=None, header=None)
        return _Examined(opinion, account=account if own is not None else "", own=own)


def _recorded_verdict(judged: Verdict, examined_mail: _Examined, words: int) -> RecordedVerdict:
    seen, opinion, own = judged.trained, examined_mail.opinion, examined_mail.own
    return RecordedVerdict(
        spam=judged.is_spam,
        score=judged.score,
        required=judged.required,
        tests=tuple(Test(test.name, test.score, test.description) for test in judged.tests),
        words=tuple(Word(word, round(weight, 4)) for word, weight in judged.words[:words]),
        probability=opinion.bayes if opinion else 0.5,
        second_probability=opinion.text if opinion and opinion.text is not None else 0.5,
        spam_seen=seen.spam,
        ham_seen=seen.ham,
        model=f"bayes {seen.spam}+{seen.ham}, linear {seen.linear_spam}+{seen.linear_ham}, training {seen.generation}",
        account=examined_mail.account,
        own_spam=own.spam_seen if own is not None else 0,
        own_ham=own.ham_seen if own is not None else 0,
    )


async def examined(blobs: Blobs, blob_id: str, limit: int) -> tuple[bytes, Scan]:
    """The head of a message, at most `limit` octets, with the scan of the whole. Raises BlobError."""
    blob = await blobs.read(BlobId(blob_id))
    return blob.read(0, min(blob.body_size, limit)), await scan_of(blobs, blob)

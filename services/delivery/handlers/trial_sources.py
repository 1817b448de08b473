"""What a trial of a script needs to know of an account: the scripts around it, its mailboxes, owner and answers."""

from __future__ import annotations

from typing import NamedTuple

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.destinations import PresentMailbox, PresentMailboxes
from services.delivery.domain.mail import AcceptedMail, seen_prefix
from services.delivery.domain.script_chain import ORDER
from services.delivery.domain.script_environment import envelope_of, environment_of
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.external_lists import ExternalLists
from services.delivery.handlers.past_mails import PastMail
from services.delivery.handlers.run_answers import RunAnswers
from services.delivery.handlers.script_runs import ScriptKnowledge
from services.delivery.handlers.script_trials import ChainLink, ScriptChain, ScriptTrials
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs
from shared.events.mail import Recipient
from shared.events.scripts import ACTIVE, SERVER
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.mail.message import SieveMessage
from shared.protocol.sieve.program import CompiledScript
from shared.routing.resolution import Target
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsStub
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import FetchRequest, ListMailboxesRequest, UidSet
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.scans import scan_of
from shared.scripts.owner import ScriptOwner
from shared.scripts.running import ScriptInput


class TrialAccount(NamedTuple):
    """An account with what is the same for all mails of a trial."""

    id: str
    owner: ScriptOwner
    boxes: AccountMailboxes
    mailboxes: PresentMailboxes


class TrialSources:
    """Asks the services. Every method raises ServiceError, StoreUnavailable or BlobError for what is unavailable."""

    def __init__(
        self, known: ScriptKnowledge, mailstore: Channel, blobs: Blobs, host: str, *, ends_at_keep: bool
    ) -> None:
        self._known = known
        self._mailstore = MailstoreStub(mailstore)
        self._annotations = AnnotationsStub(mailstore)
        self._blocking = BlockingStub(known.directory)
        self._blobs = blobs
        self._host = host
        self._ends_at_keep = ends_at_keep

    async def account(self, account: str) -> TrialAccount:
        """An account. Raises NotFound for none, and for one without an owner, such as that of an application."""
        owner = await self._known.owners.of(account)
        listed = await self._mailstore.ListMailboxes(ListMailboxesRequest(account=account))
        mailboxes = PresentMailboxes(PresentMailbox(box.id, box.name, box.special_use) for box in listed.mailboxes)
        return TrialAccount(account, owner, AccountMailboxes(self._mailstore, account), mailboxes)

    async def compiled(self, source: bytes) -> CompiledScript:
        """The program of a tried script. Raises InvalidScript."""
        return await self._known.programs.program_soon(source)

    async def trials(self, account: TrialAccount, tried: ChainLink | None) -> ScriptTrials:
        """Trials of the scripts of today, with another one in the place of the account's own."""
        links = [tried if place == ACTIVE and tried else await self._link(account.id, place) for place in ORDER]
        chain = ScriptChain(tuple(link for link in links if link is not None), self._ends_at_keep)
        known = self._known
        lists = ExternalLists(self._blocking, known.book, account.owner.address)
        answers = RunAnswers(
            account.id, account.boxes, lists, self._annotations, known.memories, known.sources, known.programs
        )
        return ScriptTrials(chain, account.boxes, answers.answer, known.programs.limits)

    async def _link(self, account: str, place: str) -> ChainLink | None:
        """The script in a place; None when there is none, or it cannot be compiled and so changes nothing."""
        source = await self._known.sources.in_place(account if place == ACTIVE else SERVER, place)
        try:
            return source and ChainLink(place, source.name, await self.compiled(source.source))
        except InvalidScript:
            return None

    async def input_of(self, account: TrialAccount, past: PastMail) -> ScriptInput:
        """What scripts run over for a mail that came. Raises BlobMissing when its message is gone."""
        assert past.mail is not None
        own, address = past.steps[0], past.address or account.owner.address
        mail, target = past.mail, Target(address, account=account.id)
        recipients = (recipient for recipient in mail.recipients if recipient.address == own.recipient)
        got = AccountTarget(next(recipients, Recipient(own.recipient)), target, own.recipient)
        blob = await self._blobs.read(BlobId(mail.message.blob))
        message = SieveMessage(blob, await scan_of(self._blobs, blob), seen_prefix(mail, address, account.id))
        return self.given(account, mail, got, message, past.at)

    def given(
        self, account: TrialAccount, mail: AcceptedMail, got: AccountTarget, message: SieveMessage, now: int
    ) -> ScriptInput:
        """What scripts run over for a message that comes at `now`."""
        environment = environment_of(mail, got, account.owner, now, self._host, is_judged=True)
        return ScriptInput(message, envelope_of(mail, got), environment)

    async def is_moved(self, account: str, past: PastMail) -> bool:
        """Whether a mail is no longer in a mailbox into which it was put."""
        for copy in past.stored:
            request = FetchRequest(account=account, mailbox=copy.mailbox, uids=UidSet(bounds=(copy.uid, copy.uid)))
            try:
                batches = [batch async for batch in self._mailstore.Fetch(request)]
            except NotFound:
                return True
            if not any(batch.uids for batch in batches):
                return True
        return False

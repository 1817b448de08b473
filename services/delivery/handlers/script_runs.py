"""Runs the scripts of an account over a mail, one after the other, and returns what they decide together.

Nothing is done by a run. What is unavailable is raised, and the mail is tried again; every error of a script is among
what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import ORDER, ChainState, ScriptDecision, after_script
from services.delivery.domain.script_environment import environment_of
from services.delivery.domain.script_steps import JUNK, MailboxKey
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.account_scripts import AccountScripts, SeenMail, failed
from services.delivery.handlers.external_lists import ExternalLists
from services.delivery.handlers.mail_contents import MailContents
from services.delivery.handlers.run_answers import RunAnswers
from services.delivery.handlers.script_ports import DuplicateMemories
from shared.clock import Clock
from shared.events.scripts import ACTIVE, SERVER
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.owner.followed_book import FollowedBook
from shared.protocol.sieve.actions import KeepAction
from shared.protocol.sieve.outcome import ScriptOutcome
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsStub
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.scripts.active import ActiveScripts
from shared.scripts.owner import ScriptOwner, ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.script_work import ScriptWork
from shared.scripts.sources import ScriptSource, ScriptSources


class DecidedMail(NamedTuple):
    """What the scripts of an account have decided, with the names of the mailboxes that they mean."""

    chain: ChainState
    names: Mapping[MailboxKey, str]


class ScriptKnowledge(NamedTuple):
    """What runs need to know beside the mail."""

    active: ActiveScripts
    sources: ScriptSources
    programs: Programs
    owners: ScriptOwners
    memories: DuplicateMemories
    work: ScriptWork
    directory: Channel
    book: FollowedBook


class ScriptRuns:
    """Runs scripts. Every method raises ServiceError, StoreUnavailable or BlobError for what is unavailable."""

    def __init__(
        self, known: ScriptKnowledge, mailstore: Channel, clock: Clock, host: str, *, ends_at_keep: bool = False
    ) -> None:
        self._known = known
        self._mailstore = MailstoreStub(mailstore)
        self._annotations = AnnotationsStub(mailstore)
        self._blocking = BlockingStub(known.directory)
        self._clock = clock
        self._host = host
        self._ends_at_keep = ends_at_keep

    def has_scripts(self, account: str) -> bool:
        """Whether any script runs over mail for an account. Raises Unavailable until that is known."""
        return self._known.active.has_scripts(account)

    async def decide(
        self, mail: AcceptedMail, got: AccountTarget, contents: MailContents, *, is_judged: bool = True
    ) -> DecidedMail:
        """What the scripts decide. Before the mail `is_judged`, a test of the verdict raises NotKnownYet."""
        account, known = got.target.account, self._known
        boxes = AccountMailboxes(self._mailstore, account)
        lists = ExternalLists(self._blocking, known.book, got.target.address)
        answers = RunAnswers(account, boxes, lists, self._annotations, known.memories, known.sources, known.programs)
        now = self._clock.now()
        owner = await self._owner(got)
        given = SeenMail(mail, got, contents, environment_of(mail, got, owner, now, self._host, is_judged=is_judged))
        scripts = AccountScripts(given, known.programs, boxes, answers.answer)
        chain = ChainState(keep=ScriptDecision(KeepAction(implicit=True), got.form), form=got.form)
        for place in ORDER:
            script = None if chain.ended else await self._script(account, place)
            if script is not None:
                outcome = await self._outcome(scripts, chain, account, place, script)
                forms = await scripts.forms(chain, outcome)
                chain = after_script(
                    chain, place, script.name, outcome, forms.__getitem__, ends_at_keep=self._ends_at_keep
                )
        return DecidedMail(chain, await self._with_junk(mail, account, chain, boxes, scripts.names))

    async def _script(self, account: str, place: str) -> ScriptSource | None:
        """The script in a place; None when there is none, also when it was removed a moment ago."""
        active, owner = self._known.active, account if place == ACTIVE else SERVER
        placed = active.of(owner).get(place)
        if placed is None:
            return None
        script = await self._known.sources.in_place(owner, place, placed.digest, placed.name)
        if script is None or script.digest != placed.digest:
            active.forget(owner)
        return script

    async def _outcome(
        self, scripts: AccountScripts, chain: ChainState, account: str, place: str, script: ScriptSource
    ) -> ScriptOutcome:
        """What a script decides. The work of an account's own script is counted; above the limit it has failed."""
        if place != ACTIVE:
            return await scripts.outcome(chain, script)
        if self._known.work.is_spent(account):
            return failed(0, "the scripts of this account have worked more than they may within an hour")
        outcome = await scripts.outcome(chain, script)
        self._known.work.add(account, outcome.work)
        return outcome

    async def _owner(self, got: AccountTarget) -> ScriptOwner:
        """The owner; of an application, which has no profile, only the address is known."""
        try:
            return await self._known.owners.of(got.target.account)
        except NotFound:
            return ScriptOwner(got.target.address, (got.target.address,))

    @staticmethod
    async def _with_junk(
        mail: AcceptedMail,
        account: str,
        chain: ChainState,
        boxes: AccountMailboxes,
        names: Mapping[MailboxKey, str],
    ) -> Mapping[MailboxKey, str]:
        """The names with that of the \\Junk mailbox, where a copy may be filed there twice."""
        if not names or chain.keep is None or not mail.is_spam_for(account):
            return names
        junk = await boxes.with_use(JUNK)
        return names if junk is None else {**names, MailboxKey("", "", JUNK): junk}

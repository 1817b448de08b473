"""Runs a script over a mail and plans what leaves the house, as delivery does, with the parts of an installation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import OutwardPlan
from services.delivery.domain.script_chain import AS_ACCEPTED, ChainState, after_script
from services.delivery.domain.step_order import in_order
from shared.blobs.local import LocalBlobs
from shared.events.delivery import Step
from shared.events.mail import Message, Recipient, RecordedCheck
from shared.events.scripts import ACTIVE
from shared.ids import IdKind
from shared.protocol.message.scan import scan
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory
from shared.routing.resolution import Target
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.ingress.v1 import ingress_pb2
from shared.scans import store_message
from tests.integration.delivery.installation import Installation

_HEADER = b"From: Eve <eve@example.net>\r\nTo: ann@example.org\r\nSubject: Hello\r\n"
FROM_EVE = _HEADER + b"Message-ID: <h1@example.net>\r\n\r\nHi.\r\n"
PLAN_INDEX = 3


async def stored(blobs: LocalBlobs, body: bytes, prefix: bytes = b"Received: by mail.example.org\r\n") -> Message:
    """A message as the ingress records it."""
    found, reference = scan(body), await store_message(blobs, body)
    author = found.from_[0][1] if found.from_ else ""
    return Message(reference.id, reference.size, prefix, found.message_id, found.subject, author)


class ScriptRuns:
    """An account with a script, and mails to it."""

    def __init__(self, installation: Installation, name: str = "ann") -> None:
        self.installation = installation
        self.address = f"{name}@example.org"
        self.recipient = Recipient(self.address)

    async def mail(self, body: bytes = FROM_EVE, sender: str = "eve@example.net", **changes: object) -> AcceptedMail:
        """A received mail from an authenticated sender, unless `changes` say otherwise."""
        message = await stored(self.installation.blobs, body)
        queue_id = self.installation.host.ids.new(IdKind.QUEUE)
        mail = AcceptedMail(
            queue_id, sender, (self.recipient,), message, is_authenticated=True, spf=RecordedCheck("spf", "pass")
        )
        return msgspec.structs.replace(mail, **changes)

    async def target(self) -> Target:
        """The account."""
        account = await self.installation.directory.ShowAccount(directory_pb2.NameRequest(name=self.address))
        return Target(self.address, account.id)

    async def decided(self, mail: AcceptedMail, source: str, body: bytes = FROM_EVE) -> ChainState:
        """What the script decides about the mail."""
        environment = SieveEnvironment(datetime.now(UTC), addresses=(self.address,))
        envelope = SieveEnvelope(mail.reverse_path, self.address)
        program = compile_script(source.encode())
        outcome = run_script(program, message_in_memory(body, mail.message.prefix), envelope, environment)
        return after_script(ChainState(), ACTIVE, "main", outcome, lambda _edits: AS_ACCEPTED)

    async def planned(self, mail: AcceptedMail, source: str, body: bytes = FROM_EVE) -> OutwardPlan:
        """What leaves the house."""
        decided = await self.decided(mail, source, body)
        return await self.installation.delivery.effects.steps(mail, self.recipient, await self.target(), decided)

    async def carried_out(self, mail: AcceptedMail, source: str, body: bytes = FROM_EVE) -> OutwardPlan:
        """The plan, with its steps of this part carried out."""
        planned = await self.planned(mail, source, body)
        await self.repeat(mail, planned)
        return planned

    async def repeat(self, mail: AcceptedMail, planned: OutwardPlan) -> None:
        """Carry out the steps, as for a mail that is delivered again."""
        await asyncio.gather(*(self.carry_out(mail, step, index) for index, step in enumerate(planned.steps)))

    async def in_order(self, mail: AcceptedMail, planned: OutwardPlan) -> None:
        """Carry out what leaves and then its copies, as delivery does."""
        steps = [msgspec.structs.replace(step, index=at + PLAN_INDEX) for at, step in enumerate(planned.steps)]
        for phase in in_order(steps):
            results = [self.installation.delivery.effects.carry_out(mail, step) for step in phase]
            assert not any(await asyncio.gather(*results))

    async def carry_out(self, mail: AcceptedMail, step: Step, index: int) -> None:
        numbered = msgspec.structs.replace(step, index=index + PLAN_INDEX)
        if step.action in ("refuse", "answer", "notify", "remember"):
            assert await self.installation.delivery.effects.carry_out(mail, numbered) is None

    def reports(self) -> list[ingress_pb2.SubmitReportRequest]:
        """What was handed over to the ingress so far."""
        return list(self.installation.ingress.reports.values())

    async def text(self) -> str:
        """The only mail that was handed over."""
        (report,) = self.reports()
        return await self.installation.report_text(report)

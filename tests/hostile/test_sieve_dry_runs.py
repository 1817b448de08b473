"""Scripts that are tried: over very much mail, with as much work as a script may do, and by callers who go away."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.delivery.handlers.delivery_trials import MOST_AT_ONCE, DeliveryTrials, WindowOrder
from services.delivery.handlers.past_mails import MailsRead, PastMails
from services.delivery.handlers.trial_sources import TrialAccount, TrialSources
from services.delivery.handlers.what_if import WhatIf
from shared.events.scripts import ACTIVE
from shared.grpc.errors import LimitReached
from shared.protocol.sieve.compiler import compile_script
from shared.scripts.owner import ScriptOwner
from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.unit.services.delivery.handlers.test_what_if import MAILBOXES, input_of, past, trials

MANY = 20_000
KEEP = compile_script(b"keep;")
BURNS = (
    'require ["variables", "fileinto"];\nset "x" "'
    + "a" * 4000
    + '";\n'
    + 'if string :matches "${x}" "*a*b*c" { stop; }\n' * 3200
    + 'fileinto "Work";\n'
)
"""Some 25 million octets of work for each mail."""


async def much_mail(count: int, page: int = 100) -> AsyncGenerator[MailsRead]:
    for start in range(0, count, page):
        mails = [past(number, f"subject {number % 50}") for number in range(start, min(start + page, count))]
        yield MailsRead(mails, mails[-1].at, 0)


async def test_very_much_mail_is_examined_in_pieces_that_leave_the_loop_to_others() -> None:
    source = 'require ["duplicate", "vacation"];\nif duplicate { discard; }\nvacation :days 1 "away";'
    trial = WhatIf(input_of, trials((ACTIVE, source)), None, MAILBOXES, 3600)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    largest = 0
    async for batch in trial.over(much_mail(MANY)):
        largest = max(largest, len(batch.elsewhere))
    task.cancel()
    assert trial.totals.mails == MANY and largest <= 100
    assert turns >= MANY, "every mail leaves the loop to others"


class Sources:
    """An account whose owner is asked for, which may take as long as a test wants."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()

    async def account(self, account: str) -> TrialAccount:
        await self.may_go_on.wait()
        return TrialAccount(account, ScriptOwner(f"{account}@example.org"), cast(Any, None), MAILBOXES)

    async def trials(self, account: TrialAccount, tried: Any) -> Any:
        return trials((ACTIVE, "keep;"))

    async def input_of(self, account: TrialAccount, mail: Any) -> Any:
        return await input_of(mail)


def order(account: str) -> WindowOrder:
    return WindowOrder(account, KEEP, "new", 0, 1)


@pytest.fixture
def delivery_trials() -> tuple[DeliveryTrials, Sources]:
    sources, log = Sources(), SimpleNamespace(of=lambda *_span: much_mail(1000))
    return DeliveryTrials(cast(TrialSources, sources), cast(PastMails, log), cast(Any, None), cast(Any, None)), sources


async def test_few_trials_run_at_once_and_one_of_an_account(delivery_trials: tuple[DeliveryTrials, Sources]) -> None:
    running, sources = delivery_trials
    first = asyncio.ensure_future(anext(running.what_if(order("a0"))))
    await asyncio.sleep(0)
    with pytest.raises(LimitReached, match="try again later"):
        await anext(running.what_if(order("a0")))
    others = [asyncio.ensure_future(anext(running.what_if(order(f"a{n}")))) for n in range(1, MOST_AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(LimitReached):
        await anext(running.what_if(order("a9")))
    sources.may_go_on.set()
    await asyncio.gather(first, *others)


async def test_a_caller_who_goes_away_frees_the_place(delivery_trials: tuple[DeliveryTrials, Sources]) -> None:
    running, sources = delivery_trials
    sources.may_go_on.set()
    for _ in range(3 * MOST_AT_ONCE):
        async with aclosing(running.what_if(order("a0"))) as parts:
            await anext(parts)
    sources.may_go_on.clear()
    waiting = asyncio.ensure_future(anext(running.what_if(order("a0"))))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sources.may_go_on.set()
    assert [totals.mails async for _, totals in running.what_if(order("a0"))][-1] == 1000


def test_a_script_that_works_much_delays_nobody(server: MailfoldServer, tmp_path: Path) -> None:
    ann, eve = server.people.people("ann", "eve")
    script = tmp_path / "burns.sieve"
    script.write_text(BURNS)
    sender = "bob@honest.example"
    with server.smtp() as smtp:
        mails = [compose(sender, ann.address, subject=f"mail {number}").data for number in range(12)]
        queue_ids = [smtp.send(sender, [ann.address], data).queue_id for data in mails]
    for queue_id in queue_ids:
        server.command.trace(queue_id, "delivery done")
    words = ("sieve", "what-if", ann.address, str(script), "--json")
    with server.command.popen(*words, stdout=subprocess.PIPE) as process, server.smtp() as smtp:
        data = compose(sender, eve.address, subject="meanwhile").data
        server.command.trace(smtp.send(sender, [eve.address], data).queue_id, "delivery done")
        output, _ = process.communicate()
    *entries, last = [json.loads(line) for line in output.splitlines()]
    totals = last["totals"]
    assert (totals["mails"], totals["failed"], len(entries)) == (12, 12, 0), "there is no mailbox of this name"
    with server.command.popen(*words, stdout=subprocess.PIPE) as left:
        left.kill()
    until(lambda: server.command.run(*words).status == 0, "a place after a caller who went away")

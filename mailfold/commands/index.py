"""`mailfold index …`"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Data, Group, Json, Option
from mailfold.commands.directory import show_all
from mailfold.commands.printing import as_json, record
from mailfold.texts import duration, moment, octets

app = Group("The text index: what SEARCH asks instead of reading messages. It can always be built anew.")
_FAILURE = ("blob", "path", "name", "media_type", "status", "detail", "tries", "accounts")
_ACCOUNT = ("documents", "places", "unread", "awaiting", "octets", "text_octets")
Account = Annotated[str, Option("--account", help="The address of an account.")]


@app.command()
def status(account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Show the index: its engine, how far it is, and how long the background work will take.

    With --account, also how much of that account is indexed.
    """
    report = _call(data, lambda stub, pb, account: stub.ShowIndex(pb.ShowIndexRequest(account=account)), account)
    if json:
        as_json(_values(report, account))
        return
    if report.is_off:
        print("the text index is switched off (index.engine); searches read messages")
    for generation in report.generations:
        record(_for_people(generation))
    record({"extractor": report.extractor, "text of attachments": octets(report.extracted_octets)})
    if report.engine_trouble:
        print(f"the index cannot be used at the moment: {report.engine_trouble}", file=sys.stderr)
    if account:
        record({"account": account, **{name: getattr(report.account, name) for name in _ACCOUNT}})


@app.command()
def failures(
    limit: Annotated[int, Option("--limit", help="Number of attachments.", minimum=1, maximum=100_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List attachments whose text was not read, or not entirely, with the reason.

    They are read again by themselves when the extractor is another version, and at once by `index retry`.
    """
    listed: list[Any] = []
    while len(listed) < limit:
        page = _call(data, partial(_failures_after, listed[-1] if listed else None)).failures
        if not page:
            break
        listed += page
    show_all(listed[:limit], _FAILURE, json=json, empty="the text of every attachment was read")


@app.command()
def retry(
    blob: Annotated[str, Option("--blob", help="Only the attachments of this message.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Read attachments again whose text was not read."""
    retried = _call(data, lambda stub, pb, _account: stub.RetryFailures(pb.RetryFailuresRequest(blob=blob)))
    text = f"{retried.attachments} messages will be read again"
    as_json({"messages": retried.attachments}) if json else print(text)


@app.command()
def rebuild(
    engine: Annotated[str, Option("--engine", help="Build it in this engine, which index.engine must name.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Build the index anew beside the serving one, and switch when it is complete. `index status` shows how far it is.

    To change the engine, set `index.engine` and apply the settings: the old index answers until the new one is
    complete.
    """
    began = _call(data, lambda stub, pb, _account: stub.RebuildIndex(pb.RebuildIndexRequest(engine=engine)))
    values = {"number": began.number, "engine": began.engine}
    as_json(values) if json else print(f"index {began.number} ({began.engine}) is being built")


@app.command()
def compare(account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Compare an account, or all accounts, with the index now, and mend what differs. It happens daily by itself."""
    compared = _call(
        data, lambda stub, pb, account: stub.CompareIndex(pb.CompareIndexRequest(account=account)), account
    )
    text = f"{compared.accounts} accounts will be compared"
    as_json({"accounts": compared.accounts}) if json else print(text)


def _call(data: Path, ask: Callable[[Any, Any, str], Awaitable[Any]], address: str = "") -> Any:
    """Ask the indexer; the last argument of `ask` is the id of the account."""
    from mailfold.operator.session import converse

    async def body(session: Any) -> Any:
        from mailfold.operator.queue_choice import account_id
        from shared.rpc.mailfold.indexer.v1 import upkeep_pb2 as pb
        from shared.rpc.mailfold.indexer.v1.upkeep_pb2_grpc import IndexUpkeepStub

        account = await account_id(session, address) if address else ""
        return await ask(IndexUpkeepStub(await session.running("indexer")), pb, account)

    return converse(data, body)


async def _failures_after(last: Any, stub: Any, pb: Any, _account: str) -> Any:
    request = pb.ListFailuresRequest(limit=1000)
    if last is not None:
        request.after_blob, request.after_path = last.blob, last.path
    return await stub.ListFailures(request)


def _for_people(generation: Any) -> dict[str, object]:
    left = "not known yet" if generation.seconds_left < 0 else duration(generation.seconds_left)
    return {
        "index": f"{generation.number}, {generation.engine}, {'serving' if generation.is_serving else 'being built'}",
        "since": moment(generation.began),
        "accounts": generation.accounts,
        "accounts with new mail to index": generation.accounts_waiting,
        "accounts to compare": f"{generation.accounts_to_compare} ({left})",
        "accounts to sweep": generation.accounts_to_sweep,
        "accounts with attachments to read": generation.attachments_waiting,
        "messages since the start": generation.messages,
        "size": octets(generation.octets),
    }


def _values(report: Any, account: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "off": report.is_off,
        "extractor": report.extractor,
        "extracted_octets": report.extracted_octets,
        "trouble": report.engine_trouble,
        "indexes": [
            {field.name: getattr(generation, field.name) for field in generation.DESCRIPTOR.fields}
            for generation in report.generations
        ],
    }
    if account:
        values["account"] = {name: getattr(report.account, name) for name in _ACCOUNT}
    return values

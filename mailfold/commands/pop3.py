"""`mailfold pop3 …`: the unique ids by which POP3 clients know messages again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import show, show_all
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id

if TYPE_CHECKING:
    from mailfold.operator.session import Session
    from shared.protocol.pop3.former_ids import FormerId, NumberedMessage

app = Group("POP3: the unique ids (UIDL) by which clients know messages again.")
uidl = Group("The unique ids of the messages in INBOX.")
app.commands["uidl"] = uidl
_LISTED = ("uid", "unique_id", "message_id", "octets")
_FIELDS = ("lines", "matched", "given", "left_over")
_SHOWN_LINES = 20
_IDS_AT_ONCE = 1000


class _Imported(NamedTuple):
    """What became of a list."""

    lines: int
    matched: int
    given: int
    """Messages that had another unique id before."""
    left_over: int


@uidl.command("list")
def list_all(
    account: Annotated[str, Argument("The address of the account.")], data: Data = DATA, json: Json = False
) -> None:
    """List the messages of INBOX with the unique ids that POP3 clients see."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> list[NumberedMessage]:
        return await _present(await _stub(session), await account_id(session, account))

    show_all(converse(data, ask), _LISTED, json=json, empty="INBOX has no messages")


@uidl.command("import")
def import_ids(
    file: Annotated[str, Argument("A file with a line for each message: the unique id and its key. `-`: stdin.")],
    account: Annotated[str, Option("--account", help="The address of the account.")],
    by: Annotated[
        Literal["message-id", "size", "order"],
        Option("--by", help="The key of each line: the Message-ID, the size in octets, or none but the order."),
    ] = "message-id",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give messages of INBOX the unique ids that they had on a former server, so that clients fetch none again.

    Do it after the messages were copied and before a client logs in. What is not in INBOX is left over and named. A
    second import of the same list changes nothing.
    """
    from mailfold.operator.session import converse
    from shared.protocol.pop3.former_ids import FormerIdError, KnownBy, match_former_ids, read_former_ids

    try:
        former = read_former_ids(_lines(file), KnownBy(by))
    except FormerIdError as error:
        raise CommandFailed(str(error), UNUSABLE) from error

    async def ask(session: Session) -> tuple[_Imported, Sequence[FormerId]]:
        stub, identity = await _stub(session), await account_id(session, account)
        try:
            matched = match_former_ids(former, await _present(stub, identity), KnownBy(by))
        except FormerIdError as error:
            raise CommandFailed(str(error), REFUSED) from error
        given = await _give(stub, identity, matched.pairs)
        return _Imported(len(former), len(matched.pairs), given, len(matched.left_over)), matched.left_over

    imported, left_over = converse(data, ask)
    show(imported, _FIELDS, json=json)
    for line in left_over[:_SHOWN_LINES]:
        print(f"left over: {line.unique_id} {line.key}", file=sys.stderr)


def _lines(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file} cannot be read: {error}", UNUSABLE) from error
    return text.splitlines()


async def _stub(session: Session) -> Any:
    from shared.rpc.mailfold.mailstore.v1.maildrops_pb2_grpc import MaildropsStub

    return MaildropsStub(await session.running("mailstore"))


async def _present(stub: Any, account: str) -> list[NumberedMessage]:
    from shared.protocol.pop3.former_ids import NumberedMessage
    from shared.rpc.mailfold.mailstore.v1.maildrops_pb2 import ListForImportRequest

    return [
        NumberedMessage(message.uid, message.entry, message.unique_id, message.message_id, message.size)
        async for page in stub.ListForImport(ListForImportRequest(account=account))
        for message in page.messages
    ]


async def _give(stub: Any, account: str, pairs: Sequence[tuple[NumberedMessage, str]]) -> int:
    from mailfold.operator.session import with_fresh_command_id
    from shared.rpc.mailfold.mailstore.v1.maildrops_pb2 import ImportUniqueIdsRequest, UniqueId

    given = 0
    for start in range(0, len(pairs), _IDS_AT_ONCE):
        ids = [
            UniqueId(entry=message.entry, unique_id=unique_id, uid=message.uid)
            for message, unique_id in pairs[start : start + _IDS_AT_ONCE]
        ]
        with with_fresh_command_id():
            given += (await stub.ImportUniqueIds(ImportUniqueIdsRequest(account=account, ids=ids))).messages
    return given

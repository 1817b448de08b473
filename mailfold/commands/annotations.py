"""`mailfold mailbox annotate` and `mailfold mailbox annotations`: what IMAP METADATA reads and sets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import show_all
from mailfold.commands.printing import as_json
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_FIELDS = ("entry", "value")
_SERVER, _SEEN = "server", "/shared/vendor/mailfold/seen"
Account = Annotated[str, Argument("The address of the account; `server`: what all accounts see.")]
Mailbox = Annotated[str, Option("--mailbox", help="The name of the mailbox; without it: beside the mailboxes.")]


def shown(account: Account, mailbox: Mailbox = "", data: Data = DATA, json: Json = False) -> None:
    """Show the annotations (IMAP METADATA) of a mailbox, an account or the server."""

    async def ask(pb: Any, stub: Any, identity: str) -> Any:
        bases = ["/shared"] if identity == _SERVER else ["/private", "/shared"]
        return await stub.ListAnnotations(
            pb.ListAnnotationsRequest(
                account=identity, mailbox=mailbox, entries=bases, depth=pb.ListAnnotationsRequest.ALL
            )
        )

    listed = _ask(data, account, ask).annotations
    show_all([_Shown(annotation) for annotation in listed], _FIELDS, json=json, empty="no annotations")


def annotate(
    account: Account,
    entry: Annotated[str, Argument("The entry, such as /private/comment or /shared/imapsieve/script.")],
    value: Annotated[str, Argument("Its new value.")] = "",
    mailbox: Mailbox = "",
    remove: Annotated[bool, Option("--remove", help="Remove the entry; no value is given then.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set or remove an annotation (IMAP METADATA) of a mailbox, an account or the server."""
    if remove and value:
        raise CommandFailed("an entry that is removed gets no value", UNUSABLE)

    async def ask(pb: Any, stub: Any, identity: str) -> Any:
        annotation = pb.Annotation(entry=entry, value=None if remove else value.encode("utf-8", "surrogateescape"))
        return await stub.SetAnnotations(
            pb.SetAnnotationsRequest(account=identity, mailbox=mailbox, annotations=[annotation])
        )

    changed = _ask(data, account, ask).changed
    if json:
        as_json({"entry": entry, "removed": remove, "changed": changed})
    else:
        print((f"removed {entry}" if remove else f"set {entry}") if changed else "nothing was changed")


def seen_of_mailbox(data: Path, account: str, mailbox: str, kind: str) -> str:
    r"""Say whether \Seen of a mailbox is `own` or `shared`, unless `kind` is empty; returns what it is then."""

    async def ask(pb: Any, stub: Any, identity: str) -> Any:
        if kind:
            annotation = pb.Annotation(entry=_SEEN, value=kind.encode())
            await stub.SetAnnotations(
                pb.SetAnnotationsRequest(account=identity, mailbox=mailbox, annotations=[annotation])
            )
        return await stub.ListAnnotations(pb.ListAnnotationsRequest(account=identity, mailbox=mailbox, entries=[_SEEN]))

    listed = _ask(data, account, ask).annotations
    return next((annotation.value.decode() for annotation in listed if annotation.value), "shared")


class _Shown:
    """An annotation as text; octets that are not UTF-8 are replaced."""

    def __init__(self, annotation: Any) -> None:
        self.entry = annotation.entry
        self.value = annotation.value.decode("utf-8", "replace")


def _ask(data: Path, address: str, ask: Callable[[Any, Any, str], Awaitable[Any]]) -> Any:
    """The mailstore's reply about the account with this address."""
    from mailfold.operator.session import converse

    async def asked(session: Session) -> Any:
        from shared.rpc.mailfold.mailstore.v1 import annotations_pb2
        from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsStub

        identity = address if address == _SERVER else await account_id(session, address)
        return await ask(annotations_pb2, AnnotationsStub(await session.running("mailstore")), identity)

    return converse(data, asked)

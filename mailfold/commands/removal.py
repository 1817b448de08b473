"""`mailfold account remove`: archives an account, or deletes it for good."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import call
from mailfold.commands.printing import as_json
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.texts import printable

if TYPE_CHECKING:
    from mailfold.operator.session import Session

CONTRACT = "Archives"
Yes = Annotated[bool, Option("--yes", help="Do not ask.")]


def remove(
    address: Annotated[str, Argument("The full address, such as ann@example.org.")],
    archive: Annotated[bool, Option("--archive", help="Keep its mail as an archive, which can be restored.")] = False,
    delete: Annotated[bool, Option("--delete", help="Delete its mail for good.")] = False,
    references: Annotated[
        Literal["", "end", "keep", "move"],
        Option("--references", help="What becomes of aliases and catch-alls that name it; `keep` is for an archive."),
    ] = "",
    to: Annotated[str, Option("--to", help="With `--references move`: the account that they name instead.")] = "",
    yes: Yes = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Remove it: archive its mail or delete it. Later mail bounces, or goes to the catch-all of the domain."""
    if archive == delete:
        archive, references = _asked(data, address, references)
        delete = not archive
    if delete and not yes:
        confirm(f"the mail of {address} is deleted for good")

    def request(pb: Any) -> Any:
        asked = pb.RemoveAccountRequest
        fate = {"end": asked.END, "keep": asked.KEEP, "move": asked.MOVE}.get(references, asked.UNDECIDED)
        kind = asked.DELETE if delete else asked.ARCHIVE
        return asked(account=address, fate=kind, references=fate, move_to=to)

    show_removal(data, call(data, "RemoveAccount", request, CONTRACT), json=json)


def show_removal(data: Path, removed: Any, *, json: bool) -> None:
    """Print what was removed. After a deletion, wait until the mail is erased."""
    state = "archived" if removed.is_archived else "erased" if _erased(data, removed.id) else "erasing"
    named = removed.references
    if json:
        values = {"removed": removed.address, "id": removed.id, "state": state}
        as_json(
            values | {"aliases": list(named.aliases), "catch_alls": list(named.catch_alls), "lists": list(named.lists)}
        )
        return
    says = {
        "archived": f"its mail is the archive {removed.id}; `mailfold archive show {removed.id}` shows it",
        "erased": "its mail is erased",
        "erasing": "its mail is erased in the background, or after the next start of the server",
    }
    print(printable(f"removed {removed.address}: {says[state]}"))
    for what in (*named.aliases, *(f"the catch-all of {domain}" for domain in named.catch_alls)):
        print(printable(f"  was named by {what}"))
    for address in named.lists:
        print(printable(f"  was in the mailing list {address}"))
    if named.is_postmaster:
        print("  the setting directory.postmaster still names it: `mailfold settings set directory.postmaster ADDRESS`")


def confirm(consequence: str) -> None:
    """Ask on the terminal whether to go on. Raises CommandFailed when the answer is not yes, or nobody is there."""
    if not sys.stdin.isatty():
        raise CommandFailed(f"{consequence}: add --yes to confirm it", UNUSABLE)
    print(printable(f"{consequence}. Type yes to go on: "), end="", flush=True, file=sys.stderr)
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandFailed("nothing was changed")


def _asked(data: Path, address: str, references: str) -> tuple[bool, Any]:
    """Whether to archive, and what becomes of references, as the operator answers on the terminal."""
    if not sys.stdin.isatty():
        raise CommandFailed("archive the account, or delete it for good? Give --archive or --delete", UNUSABLE)
    named = call(data, "ListReferences", lambda pb: pb.ReferencesRequest(account=address), CONTRACT)
    names = [*named.aliases, *(f"the catch-all of {domain}" for domain in named.catch_alls)]
    answer = _answer("archive the account, or delete it for good?", ("archive", "delete"))
    if names and not references:
        print(printable(f"{address} is named by {', '.join(names)}"), file=sys.stderr)
        references = _answer("what becomes of that?", ("end", "keep") if answer == "archive" else ("end",))
    return answer == "archive", references


def _answer(question: str, choices: tuple[str, ...]) -> str:
    print(f"{question} [{'/'.join(choices)}] ", end="", flush=True, file=sys.stderr)
    answer = sys.stdin.readline().strip().lower()
    if answer not in choices:
        raise CommandFailed("nothing was changed")
    return answer


def _erased(data: Path, account: str) -> bool:
    from mailfold.commands.progress import shown_progress
    from mailfold.operator.session import converse

    async def watch(session: Session) -> bool:
        from mailfold.operator.erasure import until_erased

        with shown_progress() as progress:
            return await until_erased(session, account, progress)

    return converse(data, watch)

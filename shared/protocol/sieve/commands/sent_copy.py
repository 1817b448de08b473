"""`:fcc` of generated messages (RFC 8580): where a copy of them is stored."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.sieve.actions import SentCopy
from shared.protocol.sieve.commands.store import FLAGS_TAG, TARGET_TAGS, check_mailbox, mailbox_name
from shared.protocol.sieve.flags import flags_of
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, Tag

FCC_TAGS = (Tag("fcc", STRING, extension="fcc"), FLAGS_TAG, *TARGET_TAGS)


def sent_copy(scope: Scope, arguments: Arguments) -> Callable[[ScriptRun], SentCopy | None]:
    """The copy that the arguments ask for. Errors go to the scope."""
    mailbox, flags = arguments.tag_text("fcc"), flags_of(scope, arguments)
    mailbox_id, special_use = arguments.tag_text("mailboxid"), arguments.tag_text("specialuse")
    other = arguments.chosen("flags", "create", "mailboxid", "specialuse")
    if mailbox is None:
        if other:
            scope.error(arguments.place, f"{arguments.name}: :{other} needs :fcc")
        return lambda _run: None
    check_mailbox(scope, mailbox)

    def copy(run: ScriptRun) -> SentCopy:
        return SentCopy(
            mailbox_name(run, mailbox),
            flags(run) if flags else (),
            arguments.has("create"),
            as_text(mailbox_id.value(run)) if mailbox_id else "",
            as_text(special_use.value(run)) if special_use else "",
        )

    return copy

"""The doorbells that a commit of the mailstore rings."""

from __future__ import annotations

from collections.abc import Sequence

from shared.bus.bus import Bus
from shared.bus.subjects import QUOTA_DOORBELL, RIGHTS_DOORBELL, SCRIPTS_DOORBELL, account_doorbell
from shared.events.closing import AccountErased
from shared.events.mailbox_rights import MailboxRightsChanged
from shared.events.quota import QuotaEased, QuotaWarned
from shared.events.scripts import ScriptActivated, ScriptDeleted, ScriptPut, ScriptRenamed
from shared.eventstore.event import Recorded

_CHANGE_SCRIPTS = (ScriptPut, ScriptRenamed, ScriptDeleted, ScriptActivated, AccountErased)


def ring_for(bus: Bus, recorded: Sequence[Recorded]) -> None:
    """Ring for each account, and for those who wait for events of these kinds."""
    newest = {entry.stream: entry.version for entry in recorded}
    for account, version in newest.items():
        bus.ring(account_doorbell(account), b"%d" % version)
    if any(isinstance(entry.event, QuotaWarned | QuotaEased) for entry in recorded):
        bus.ring(QUOTA_DOORBELL)
    for owner in {entry.stream for entry in recorded if isinstance(entry.event, MailboxRightsChanged)}:
        bus.ring(RIGHTS_DOORBELL, owner.encode())
    for owner in {entry.stream for entry in recorded if isinstance(entry.event, _CHANGE_SCRIPTS)}:
        bus.ring(SCRIPTS_DOORBELL, owner.encode())

"""Converts events to lines. An event type that this release does not know is shown as stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from mailfold.texts import moment, printable
from mailfold.trace import (
    application_lines,
    blocking_lines,
    delivery_lines,
    lockout_lines,
    mail_lines,
    mailbox_lines,
    moderation_lines,
    outbound_lines,
    quota_lines,
    removal_lines,
    script_lines,
    sending_lines,
    signature_lines,
    spam_lines,
    verifier_lines,
)
from mailfold.trace.names import Names
from shared.events import (
    all_mail_mailbox,
    applying,
    blocking,
    closing,
    deadletters,
    delivery,
    expiry,
    lists,
    lockouts,
    mail,
    mailbox,
    mailbox_rights,
    mailbox_scripts,
    maildrop,
    metadata,
    moderation,
    outbound,
    own_seen,
    quota,
    reading,
    restoring,
    return_paths,
    scripts,
    send_as,
    sending,
    signatures,
    spam,
    suspended,
    verifiers,
)
from shared.eventstore.event import Actor, Event, declared, without_secrets

Lines = Callable[[Any, Names], Iterator[str]]
_GENERIC_LIMIT = 2000

_LINES: dict[type[Event], Lines] = {
    mail.MailReceived: mail_lines.received,
    mail.MailSubmitted: mail_lines.submitted,
    mail.MailRefused: mail_lines.refused,
    mail.MailSettled: mail_lines.settled,
    mail.MailHeld: mail_lines.held,
    mail.MailResumed: mail_lines.resumed,
    mail.MailReleased: mail_lines.released,
    mail.MailCancelled: mail_lines.cancelled,
    suspended.SubmissionSuspended: removal_lines.submission_suspended,
    suspended.SubmissionResumed: removal_lines.submission_resumed,
    closing.AccountClosed: removal_lines.closed,
    closing.AccountReopened: removal_lines.reopened,
    closing.AccountErased: removal_lines.erased,
    spam.MailClassified: spam_lines.classified,
    spam.LessonLearned: spam_lines.learned,
    spam.LessonForgotten: spam_lines.forgotten,
    delivery.DeliveryPlanned: delivery_lines.planned,
    delivery.DeliveryListExpanded: delivery_lines.list_expanded,
    lists.ListMemberBounced: delivery_lines.member_bounced,
    lists.ListMemberSwitched: delivery_lines.member_switched,
    moderation.ListModerationSet: moderation_lines.moderation_set,
    moderation.ListModeratorsChanged: moderation_lines.moderators_changed,
    moderation.PostHeld: moderation_lines.held,
    moderation.PostApproved: moderation_lines.approved,
    moderation.PostRefused: moderation_lines.refused,
    moderation.PostExpired: moderation_lines.expired,
    moderation.PostClosed: moderation_lines.closed,
    moderation.ModeratorsToNotify: moderation_lines.to_notify,
    moderation.ModeratorsNotified: moderation_lines.notified,
    delivery.DeliverySettled: delivery_lines.settled,
    delivery.DeliveryBounced: delivery_lines.bounced,
    delivery.DeliveryReported: delivery_lines.reported,
    delivery.DeliveryScriptSent: delivery_lines.script_sent,
    delivery.DeliveryRemembered: delivery_lines.remembered,
    delivery.DeliveryMemoriesForgotten: delivery_lines.memories_forgotten,
    outbound.OutboundQueued: outbound_lines.queued,
    outbound.OutboundDelivered: outbound_lines.delivered,
    outbound.OutboundDeferred: outbound_lines.deferred,
    outbound.OutboundDelayed: outbound_lines.delayed,
    outbound.OutboundBounced: outbound_lines.bounced,
    outbound.OutboundExpired: outbound_lines.expired,
    outbound.OutboundHeld: outbound_lines.held,
    outbound.OutboundReleased: outbound_lines.released,
    outbound.OutboundRescheduled: outbound_lines.rescheduled,
    outbound.OutboundCancelled: outbound_lines.cancelled,
    outbound.OutboundReportMade: outbound_lines.report_made,
    outbound.OutboundReportSubmitted: outbound_lines.report_submitted,
    outbound.OutboundReportFailed: outbound_lines.report_failed,
    outbound.OutboundRowsForgotten: outbound_lines.rows_forgotten,
    outbound.OutboundLimitExceeded: outbound_lines.limit_exceeded,
    outbound.OutboundOwnerNotified: outbound_lines.owner_notified,
    outbound.OutboundPaused: outbound_lines.paused,
    outbound.OutboundResumed: outbound_lines.resumed,
    outbound.OutboundHoldRuleAdded: outbound_lines.hold_rule_added,
    outbound.OutboundHoldRuleRemoved: outbound_lines.hold_rule_removed,
    outbound.OutboundStsPolicyFetched: outbound_lines.sts_policy_fetched,
    outbound.OutboundStsPolicyFailed: outbound_lines.sts_policy_failed,
    deadletters.DeadLetterBuried: delivery_lines.buried,
    deadletters.DeadLetterFailedAgain: delivery_lines.failed_again,
    deadletters.DeadLetterResolved: delivery_lines.resolved,
    deadletters.DeadLetterRetried: delivery_lines.retried,
    mailbox.AccountOpened: mailbox_lines.opened,
    mailbox.MessageDelivered: mailbox_lines.delivered,
    mailbox.MessageAppended: mailbox_lines.appended,
    mailbox.FlagsChanged: mailbox_lines.flags_changed,
    mailbox.MessagesCopied: mailbox_lines.copied,
    mailbox.MessagesMoved: mailbox_lines.moved,
    mailbox.MessagesExpunged: mailbox_lines.expunged,
    expiry.MessagesExpired: mailbox_lines.expired,
    maildrop.MessagesFetchedAway: mailbox_lines.fetched_away,
    maildrop.UniqueIdsGiven: mailbox_lines.unique_ids_given,
    restoring.MessagesRestored: mailbox_lines.restored,
    all_mail_mailbox.AllMailMade: mailbox_lines.all_mail_made,
    all_mail_mailbox.AllMailFilled: mailbox_lines.all_mail_filled,
    all_mail_mailbox.AllMailEnded: mailbox_lines.all_mail_ended,
    restoring.RemovedForgotten: mailbox_lines.forgotten,
    mailbox.MailboxDeleted: mailbox_lines.mailbox_deleted,
    metadata.AnnotationsChanged: mailbox_lines.annotated,
    own_seen.OwnSeenChanged: mailbox_lines.own_seen_changed,
    own_seen.OwnSeenForgotten: mailbox_lines.own_seen_forgotten,
    mailbox_rights.MailboxRightsChanged: mailbox_lines.rights_changed,
    mailbox_scripts.MailboxScriptDue: mailbox_lines.script_due,
    mailbox_scripts.MailboxScriptRan: mailbox_lines.script_ran,
    quota.QuotaWarned: quota_lines.warned,
    quota.QuotaEased: quota_lines.eased,
    quota.QuotaNotified: quota_lines.notified,
    applying.ApplicationBegun: application_lines.begun,
    applying.ApplicationAdvanced: application_lines.advanced,
    applying.ApplicationEnded: application_lines.ended,
    applying.UndoBegun: application_lines.undo_begun,
    applying.UndoAdvanced: application_lines.undo_advanced,
    scripts.ScriptPut: script_lines.put,
    scripts.ScriptRenamed: script_lines.renamed,
    scripts.ScriptDeleted: script_lines.deleted,
    scripts.ScriptActivated: script_lines.activated,
    sending.DkimKeyAdded: sending_lines.key_added,
    sending.DkimKeyActivated: sending_lines.key_activated,
    sending.DkimKeyRetired: sending_lines.key_retired,
    sending.DkimKeyResealed: sending_lines.key_resealed,
    sending.DkimRecordChecked: sending_lines.record_checked,
    sending.RelaySet: sending_lines.relay_set,
    sending.RelayRemoved: sending_lines.relay_removed,
    sending.RelayPasswordResealed: sending_lines.password_resealed,
    reading.BodiesRead: mailbox_lines.bodies_read,
    reading.MailSearched: mailbox_lines.searched,
    lockouts.LockoutStarted: lockout_lines.started,
    lockouts.LockoutEnded: lockout_lines.ended,
    lockouts.LockoutLifted: lockout_lines.lifted,
    lockouts.LockoutsUncounted: lockout_lines.uncounted,
    lockouts.LoginNetworkKnown: lockout_lines.network_known,
    blocking.BlockingEntriesAdded: blocking_lines.entries_added,
    blocking.BlockingEntriesRemoved: blocking_lines.entries_removed,
    return_paths.ReturnPathSecretAdded: sending_lines.return_path_secret_added,
    return_paths.ReturnPathSecretRetired: sending_lines.return_path_secret_retired,
    return_paths.ReturnPathSecretResealed: sending_lines.return_path_secret_resealed,
    verifiers.ScramSecretMade: verifier_lines.secret_made,
    verifiers.ScramSecretResealed: verifier_lines.secret_resealed,
    verifiers.ScramSaltChosen: verifier_lines.salt_chosen,
    verifiers.ScramKeysMade: verifier_lines.keys_made,
    verifiers.MechanismsOffered: verifier_lines.offered,
    send_as.SendAsGranted: sending_lines.send_as_granted,
    send_as.SendAsRevoked: sending_lines.send_as_revoked,
    signatures.SignatureWritten: signature_lines.written,
    signatures.UserFieldChanged: signature_lines.field_changed,
    outbound.OutboundSignaturePlaced: signature_lines.placed,
    outbound.OutboundSignatureSkipped: signature_lines.skipped,
}


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event from the event log."""

    id: str
    type: str
    at: int
    actor: str
    """The actor as JSON."""
    cause: str
    data: bytes
    """The data as JSON."""

    @property
    def event(self) -> Event | None:
        """The event; None when this release does not know the type or its data."""
        kind = declared().get(self.type)
        try:
            return None if kind is None else msgspec.json.decode(self.data, type=kind)
        except msgspec.DecodeError:
            return None

    @property
    def shown(self) -> str:
        """The data without secrets, whichever release wrote the copy."""
        return without_secrets(self.type, self.data).decode("utf-8", "replace")


def story(events: Iterable[LoggedEvent], names: Names) -> Iterator[str]:
    """The lines for events, which must be given oldest first."""
    for logged in events:
        event = logged.event
        yield f"{moment(logged.at)}  {logged.type}  {logged.id}{_by(logged.actor, names)}"
        describe = _LINES.get(type(event)) if event is not None else None
        lines = describe(event, names) if describe is not None else iter([logged.shown[:_GENERIC_LIMIT]])
        yield from (f"  {printable(line)}" for line in lines)


def _by(actor: str, names: Names) -> str:
    """The actor; only people and clients are named, not services."""
    try:
        who = msgspec.json.decode(actor, type=Actor)
    except msgspec.DecodeError:
        return ""
    if who.kind in ("system", "service", ""):
        return ""
    session = f" session {who.session}" if who.session else ""
    account = names.of(who.credential) if who.kind == "user" else who.credential
    where = f" at {account}" if account != who.credential else ""
    return (
        f"  by {who.kind} {names.of(who.id)}".rstrip()
        + where
        + (f" from {who.address}" if who.address else "")
        + session
    )

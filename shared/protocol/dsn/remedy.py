"""What a sender can do about a failure, in plain words, chosen by the enhanced status (RFC 3463 and its registry)."""

from __future__ import annotations

from typing import Final

from shared.protocol.dsn.action import DsnAction

_CONTENT: Final = "Send it again in a plainer form, for example as text without attachments."
_TLS: Final = (
    "A secure connection to the recipient's server was not possible. Ask the recipient's provider to repair its "
    "certificate or its TLS policy; until then use another way to reach the recipient."
)
_POLICY: Final = (
    "The recipient's server refuses such messages by its own rules. Its words say more; the recipient or their "
    "provider can change the rules, for example by listing your address as wanted."
)
_AUTHENTICATION: Final = (
    "The recipient's server could not confirm that the message comes from your domain. The operator of your mail "
    "server should check SPF, DKIM and DMARC of the domain, for example with `mailfold doctor`."
)
_REPUTATION: Final = (
    "The recipient's server does not trust the address of the sending server. The operator of your mail server should "
    "check its reverse DNS name and whether its address is on a block list."
)
_ADDRESS: Final = "Check the address for typing errors, and ask the recipient for the present one."
_FULL: Final = "The mailbox is full. Ask the recipient by other means to make room, then send the message again."
_SIZE: Final = "The message is too large for the recipient. Send a link to large attachments, or several smaller parts."
_NO_ANSWER: Final = (
    "The recipient's server does not answer or is not reachable. Send the message again later; if it lasts, the "
    "recipient's provider has to repair it."
)
_NO_ROUTE: Final = "The domain of the address does not receive mail as it is set up. Check the part behind the @."
_LOOP: Final = "The message went round in a circle. The operators of the servers named have to correct a forwarding."
_LATER: Final = "The recipient's server cannot accept messages at present. Send the message again later."
_ASCII: Final = (
    "The address or the header has characters that the recipient's server does not support. Use an address of plain "
    "letters, if there is one."
)

_BY_DETAIL: Final = {
    "1.0": _ADDRESS,
    "1.1": _ADDRESS,
    "1.2": _NO_ROUTE,
    "1.3": _ADDRESS,
    "1.4": "Several recipients have this address. Ask the recipient for an unambiguous address.",
    "1.6": "The recipient has moved and left no new address. Ask the recipient by other means.",
    "1.7": "Your own address is not valid for the recipient's server. Check the sender address of your mail program.",
    "1.8": "The domain of your own address cannot be found. The operator of your mail server should check its DNS.",
    "1.10": "The domain of the address has declared that it never receives mail. Check the part behind the @.",
    "2.0": "The recipient's mailbox cannot be used at present. Ask the recipient by other means.",
    "2.1": "The recipient's mailbox is disabled. Ask the recipient by other means for another address.",
    "2.2": _FULL,
    "2.3": _SIZE,
    "2.4": "The mailing list could not be resolved. Write to the owner of the list.",
    "3.0": _LATER,
    "3.1": "The disk of the recipient's server is full. Send the message again later.",
    "3.2": _LATER,
    "3.3": "The recipient's server lacks a feature that this message needs. " + _CONTENT,
    "3.4": _SIZE,
    "4.1": _NO_ANSWER,
    "4.2": _NO_ANSWER,
    "4.3": "The servers for the domain could not be looked up in the DNS. Check the part behind the @, or try later.",
    "4.4": _NO_ROUTE,
    "4.5": _LATER,
    "4.6": _LOOP,
    "4.7": _NO_ANSWER,
    "5.3": "The message has too many recipients. Send it to smaller groups.",
    "6.3": "The recipient's server cannot take the message in this form, and it must not be changed. " + _CONTENT,
    "6.7": _ASCII,
    "6.9": _ASCII,
    "7.2": "You may not write to this mailing list. Ask the owner of the list.",
    "7.4": _TLS,
    "7.5": _TLS,
    "7.10": _TLS,
    "7.11": _TLS,
    "7.30": _TLS,
    "7.20": _AUTHENTICATION,
    "7.21": _AUTHENTICATION,
    "7.22": _AUTHENTICATION,
    "7.23": _AUTHENTICATION,
    "7.24": _AUTHENTICATION,
    "7.26": _AUTHENTICATION,
    "7.25": _REPUTATION,
    "7.27": "Your own domain has declared that it receives no mail. The operator of your mail server can change that.",
    "7.28": "Too many messages in a short time. Send the message again later, and to fewer recipients.",
}
_BY_SUBJECT: Final = {
    "1": _ADDRESS,
    "2": "The recipient's mailbox did not accept the message. Ask the recipient by other means.",
    "3": _LATER,
    "4": _NO_ANSWER,
    "5": "The two servers did not understand each other. The operator of your mail server should look at the reply.",
    "6": _CONTENT,
    "7": _POLICY,
}
_EXACT: Final = {
    "4.4.7": "The message could not be handed over in the time it was kept here. " + _NO_ANSWER,
    "5.4.1": "The recipient's server does not receive mail for this address. Check the address.",
    "5.4.7": "The message could not be handed over in the time it was kept here. " + _NO_ANSWER,
}
_DEFAULT: Final = "If it is not clear what to do, show this report to the operator of your mail server."
_WAIT: Final = "You need not do anything, and need not send the message again."


def remedy(status: str, action: DsnAction) -> str:
    """A sentence for the sender about a recipient with this status; "" when nothing went wrong.

    A delayed message needs no action, except where more is known.
    """
    if action not in (DsnAction.FAILED, DsnAction.DELAYED):
        return ""
    if action is DsnAction.DELAYED:
        return _WAIT
    detail = status.partition(".")[2]
    subject = detail.partition(".")[0]
    return _EXACT.get(status) or _BY_DETAIL.get(detail) or _BY_SUBJECT.get(subject) or _DEFAULT

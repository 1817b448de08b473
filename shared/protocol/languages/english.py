"""The texts in English, which every other language has under the same keys and with the same placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TEXTS: Final[Mapping[str, str]] = {
    "moment": "{weekday}, {day} {month} {year} {time} {offset}",
    "both": "{first} and {second}",
    "decimal_mark": ".",
    "octets": "{number} octets",
    "greeting": "Hello {name},",
    "mail_system": "This is the mail system at {host}.",
    "author.notice": "Mail System",
    "author.report": "Mail Delivery System",
    # The notification of an owner whose mailbox is nearly full.
    "quota.subject": "Your mailbox is {percent} % full",
    "quota.level": "Your mailbox is more than {percent} % full: {used} are used.",
    "quota.at": "This was noticed at {moment}.",
    "quota.of": "{used} of {limit}",
    "quota.messages": "{used} of {limit} messages",
    "quota.consequence": (
        "When it is full, mail to you is refused, and its senders are told so. Delete messages that you do not need, "
        "also from Trash and Spam, or ask the operator of this server for more room."
    ),
    "quota.once": "You get this message once, and again only after your mailbox had clearly more room.",
    # The notification of an owner whose mail to other servers is above a limit.
    "limit.subject": "Mail to other servers waits: your account is above a limit",
    "limit.waits": "Mail that you sent to other servers waits here, because {reason}.",
    "limit.one_until": "One mail waits at present; the last leaves at {moment}.",
    "limit.many_until": "{mails} mails wait at present; the last leaves at {moment}.",
    "limit.one_held": "One mail waits at present; the operator of this server releases them.",
    "limit.many_held": "{mails} mails wait at present; the operator of this server releases them.",
    "limit.once": (
        "Nothing is lost, and you need not send anything again. What you send meanwhile may wait as well. You get this "
        "message once, and not again on the same day."
    ),
    "limit.not_you": (
        "If you did not send so much mail, somebody else may be using your account: change your password, and ask the "
        "operator of this server for help."
    ),
    # The part for people of a delivery status notification.
    "report.subject.failed": "Undelivered Mail Returned to Sender",
    "report.subject.delayed": "Delayed Mail (still being tried)",
    "report.subject.relayed": "Mail handed over to the next server",
    "report.subject.expanded": "Mail passed on to several recipients",
    "report.subject.delivered": "Successful Mail Delivery",
    "report.message": 'Your message "{subject}" of {moment}',
    "report.some_message": "Your message",
    "report.failed": "{message} could not be delivered to:",
    "report.delayed": "{message} has not been delivered yet to:",
    "report.relayed": "{message} was handed over to a server that does not report delivery, for:",
    "report.expanded": "{message} was passed on to several addresses, for:",
    "report.delivered": "{message} was delivered to:",
    "report.more": "{number} more recipients are named in the second part of this report.",
    "report.tried_until": "It will be tried until {moment}.",
    "report.server_said": "The server {server} said:",
    "report.some_server_said": "The server said:",
    "report.withheld": "Its content is not returned, because it was sent with the demand for TLS (REQUIRETLS).",
    "report.queue_id": (
        "Its queue id here was {queue_id}; the operator can look up what happened to it under that id."
    ),
    # What a sender can do.
    "remedy.content": "Send it again in a plainer form, for example as text without attachments.",
    "remedy.tls": (
        "A secure connection to the recipient's server was not possible. Ask the recipient's provider to repair its "
        "certificate or its TLS policy; until then use another way to reach the recipient."
    ),
    "remedy.policy": (
        "The recipient's server refuses such messages by its own rules. Its words say more; the recipient or their "
        "provider can change the rules, for example by listing your address as wanted."
    ),
    "remedy.authentication": (
        "The recipient's server could not confirm that the message comes from your domain. The operator of your mail "
        "server should check SPF, DKIM and DMARC of the domain, for example with `mailfold doctor`."
    ),
    "remedy.reputation": (
        "The recipient's server does not trust the address of the sending server. The operator of your mail server "
        "should check its reverse DNS name and whether its address is on a block list."
    ),
    "remedy.address": "Check the address for typing errors, and ask the recipient for the present one.",
    "remedy.full": ("The mailbox is full. Ask the recipient by other means to make room, then send the message again."),
    "remedy.size": (
        "The message is too large for the recipient. Send a link to large attachments, or several smaller parts."
    ),
    "remedy.no_answer": (
        "The recipient's server does not answer or is not reachable. Send the message again later; if it lasts, the "
        "recipient's provider has to repair it."
    ),
    "remedy.no_route": (
        "The domain of the address does not receive mail as it is set up. Check the part behind the @."
    ),
    "remedy.loop": (
        "The message went round in a circle. The operators of the servers named have to correct a forwarding."
    ),
    "remedy.later": "The recipient's server cannot accept messages at present. Send the message again later.",
    "remedy.ascii": (
        "The address or the header has characters that the recipient's server does not support. Use an address of "
        "plain letters, if there is one."
    ),
    "remedy.ambiguous": "Several recipients have this address. Ask the recipient for an unambiguous address.",
    "remedy.moved": "The recipient has moved and left no new address. Ask the recipient by other means.",
    "remedy.own_address": (
        "Your own address is not valid for the recipient's server. Check the sender address of your mail program."
    ),
    "remedy.own_domain": (
        "The domain of your own address cannot be found. The operator of your mail server should check its DNS."
    ),
    "remedy.null_mx": (
        "The domain of the address has declared that it never receives mail. Check the part behind the @."
    ),
    "remedy.mailbox": "The recipient's mailbox cannot be used at present. Ask the recipient by other means.",
    "remedy.disabled": ("The recipient's mailbox is disabled. Ask the recipient by other means for another address."),
    "remedy.list": "The mailing list could not be resolved. Write to the owner of the list.",
    "remedy.disk": "The disk of the recipient's server is full. Send the message again later.",
    "remedy.feature": (
        "The recipient's server lacks a feature that this message needs. Send it again in a plainer form, for example "
        "as text without attachments."
    ),
    "remedy.dns": (
        "The servers for the domain could not be looked up in the DNS. Check the part behind the @, or try later."
    ),
    "remedy.recipients": "The message has too many recipients. Send it to smaller groups.",
    "remedy.form": (
        "The recipient's server cannot take the message in this form, and it must not be changed. Send it again in a "
        "plainer form, for example as text without attachments."
    ),
    "remedy.no_poster": "You may not write to this mailing list. Ask the owner of the list.",
    "remedy.own_null_mx": (
        "Your own domain has declared that it receives no mail. The operator of your mail server can change that."
    ),
    "remedy.rate": "Too many messages in a short time. Send the message again later, and to fewer recipients.",
    "remedy.refused": "The recipient's mailbox did not accept the message. Ask the recipient by other means.",
    "remedy.protocol": (
        "The two servers did not understand each other. The operator of your mail server should look at the reply."
    ),
    "remedy.expired": (
        "The message could not be handed over in the time it was kept here. The recipient's server does not answer or "
        "is not reachable. Send the message again later; if it lasts, the recipient's provider has to repair it."
    ),
    "remedy.not_here": ("The recipient's server does not receive mail for this address. Check the address."),
    "remedy.operator": "If it is not clear what to do, show this report to the operator of your mail server.",
    "remedy.wait": "You need not do anything, and need not send the message again.",
    # Reasons that Mailfold itself gives. Their placeholders are numbers.
    "reason.mails_an_hour": "the account sends more than {number} mails an hour",
    "reason.mails_a_day": "the account sends more than {number} mails a day",
    "reason.recipients_an_hour": "the account sends more than {number} recipients an hour",
    "reason.recipients_a_day": "the account sends more than {number} recipients a day",
    "reason.new_recipients": "the account writes to more than {number} new recipients a day",
    "reason.no_mailbox": "there is no such mailbox here",
    "reason.disabled": "the mailbox is disabled",
    "reason.outgoing_only": "this domain does not receive mail here",
    "reason.another_holder": (
        "the mailbox to which this was sent was removed, and its address belongs to somebody else"
    ),
    "reason.too_large": "the mailbox takes no message larger than {number} octets",
    "reason.full_octets": "the mailbox is full: {used} of {limit} octets are used, {more} more do not fit",
    "reason.full_messages": "the mailbox is full: {used} of {limit} messages are used, {more} more do not fit",
    "reason.whole_quota": "{size} octets are more than the whole quota of {limit} octets",
    "reason.list_bounce": "a mailing list takes no bounces, and no other mail with the null reverse-path",
    "reason.list_automatic": "a mailing list takes no automatic replies",
    "reason.list_loop": "the message has been on this mailing list already",
    "reason.list_members": "only members may post to this mailing list",
    "reason.list_spam": "it looks like spam, and its author is not proven to be a member",
    "reason.list_leave": "only a member can leave, and the author is not proven to be one",
    "reason.no_reports": "the next server does not report on delivery",
    "reason.larger": "the message is larger than the server takes",
    "reason.no_smtputf8": "the server does not take internationalised addresses or header fields",
    "reason.no_requiretls": "the server does not support REQUIRETLS, which the sender asked for",
    # The notices of an owner about the script of the mailbox.
    "script.failed.subject": "Your mail filter has an error",
    "script.failed.text": "Your filter {script} ended with an error in line {line}: {error}",
    "script.failed.kept": "The message is in your inbox, without what the filter would have changed.",
    "script.failed.abandoned": "These actions were not carried out: {actions}.",
    "script.failed.mend": "Until the filter is corrected, messages that lead to this error stay in your inbox.",
    "script.redirect.subject": "Your mail filter could not send mail on",
    "script.redirect.text": "Your filter ({script}, line {line}) would have sent a message on to {address}.",
    "script.redirect.loop": (
        "This was not done, because the message has come back from there, or goes round between servers."
    ),
    "script.redirect.limit": (
        "This was not done, because your filter has sent on as many messages as are allowed in a day."
    ),
    "script.redirect.unknown": "This was not done, because the address takes no mail here.",
    "script.redirect.list": "This was not done, because there is no mailing list with this address here.",
    "script.notify.subject": "Your mail filter could not notify",
    "script.notify.text": "Your filter ({script}, line {line}) would have sent a notification to {address}.",
    "script.notify.limit": (
        "This was not done, because your filter has sent as many notifications as are allowed in a day."
    ),
    "script.kept": "The message stays in your mailbox.",
    "script.refusal.subject": "Your mail filter could not refuse a message",
    "script.refusal.text": "Your filter ({script}, line {line}) would have refused a message.",
    "script.refusal.kept": (
        "This was not done, because its sender is not proven, or because it is spam: the refusal would have "
        "reached somebody else. The message is in your inbox."
    ),
    "script.message": "The message: from {author}, with the subject: {subject}",
    "script.once": "You get such a notice at most once a day.",
    "reject.subject": "Your message was refused",
    "reject.text": (
        "Your message to {recipient} was refused by the recipient's filter, and was not read. The recipient says:"
    ),
    "moderation.subject": "{list}: {posts} to moderate",
    "moderation.intro": "You moderate the mailing list {list}. These posts wait for a decision.",
    "moderation.from": "From: {author}",
    "moderation.from.unproven": "From: {author} (not proven: anybody may have written this address)",
    "moderation.title": "Subject: {subject}",
    "moderation.withheld": "(not shown: the sender demands TLS up to the reader)",
    "moderation.size": "Size: {size} octets. The post expires on {until}. Its id is {post}.",
    "moderation.approve": "To approve it, write to {address}",
    "moderation.refuse": "To refuse it, write to {address}",
    "moderation.command": "By command: `mailfold list approve {list} {post}`, or `refuse`.",
    "moderation.more": "{posts} more wait. `mailfold list held {list}` shows all of them.",
    "moderation.reply": "A reply to this message approves the post, whatever it says.",
    "moderation.addresses": (
        "Each of these addresses works once, for you alone, and until the post expires: send the message with your"
        " log-in here, or such that it passes DMARC with your address as its author."
    ),
    "moderation.author.subject": "Your post to {list} was not distributed",
    "moderation.author.refused": (
        "Your post to the mailing list {list} was not distributed, because a moderator has refused it. Its "
        "subject: {subject}"
    ),
    "moderation.author.expired": (
        "Your post to the mailing list {list} was not distributed, because no moderator decided about it in time. "
        "Its subject: {subject}"
    ),
    "moderation.author.text": "The moderator writes: {text}",
    "reason.list_room": "too many posts to this mailing list wait for its moderators; try again in some days",
    "reason.list_moderator": "only a moderator decides about a post, and the author is not proven to be one",
    "reason.list_not_this_moderator": "this address was not written for this moderator, or it has expired",
    "reason.list_decided": "this post does not wait any more",
}

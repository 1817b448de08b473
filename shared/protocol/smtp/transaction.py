"""The mail transaction of RFC 5321 §3.3 as it stands when its message comes."""

import msgspec

from shared.protocol.smtp.commands import Ehlo, Helo, Mail, Rcpt


class SmtpTransaction(msgspec.Struct, frozen=True):
    """The envelope: who speaks, the accepted MAIL and the accepted RCPTs in order."""

    hello: Helo | Ehlo
    mail: Mail
    recipients: tuple[Rcpt, ...]

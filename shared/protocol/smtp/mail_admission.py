"""Decides whether MAIL with its parameters is possible in a session, before the caller is asked."""

from shared.protocol.smtp import codes, replies
from shared.protocol.smtp.commands import BodyType, Mail
from shared.protocol.smtp.config import Port, SessionConfig
from shared.protocol.smtp.reply import Reply


def refusal_of_mail(mail: Mail, config: SessionConfig, *, tls_active: bool, is_authenticated: bool) -> Reply | None:
    """The refusal of MAIL, or None. A parameter of an extension that is not offered is unknown (RFC 5321 §4.1.1.11)."""
    if config.port is Port.SUBMISSION and not is_authenticated:
        is_clear = config.tls_offered and not tls_active
        return replies.tls_required() if is_clear else replies.authentication_required()
    if not _is_offered(mail, config, tls_active=tls_active):
        return replies.unknown_parameter()
    if mail.body is BodyType.BINARY_MIME and not config.chunking:
        return replies.bad_parameter(codes.BODY)
    if mail.size is not None and mail.size > config.max_message_size:
        return replies.message_too_large(config.max_message_size)  # RFC 1870 §6.1
    return None


def _is_offered(mail: Mail, config: SessionConfig, *, tls_active: bool) -> bool:
    """Whether the EHLO reply offered the extensions of all parameters."""
    return (
        (config.smtputf8 or not mail.smtputf8)
        and (config.future_release is not None or mail.hold is None)
        and ((config.require_tls and tls_active) or not mail.require_tls)
    )

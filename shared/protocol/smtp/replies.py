"""Every reply of the server, by name.

The class of the enhanced status is taken from the code, so that they always agree (RFC 2034 §4).
"""

from typing import Final

from shared.protocol.smtp import codes
from shared.protocol.smtp.reply import Reply


def _reply(code: int, detail: str, text: str) -> Reply:
    return Reply(code, f"{code // 100}.{detail}", (text,))


# --- connection
# ----------------------------------------------------------------------------------------------------


def service_ready(hostname: str, banner: str) -> Reply:
    """The greeting has no enhanced status code (RFC 2034 §4)."""
    return Reply(codes.SERVICE_READY, None, (f"{hostname} ESMTP {banner}".rstrip(),))


def hello(hostname: str, extensions: tuple[str, ...] = ()) -> Reply:
    """ehlo-ok-rsp, or the HELO reply when there are no extensions (RFC 5321 §4.1.1.1)."""
    return Reply(codes.OK, None, (hostname, *extensions))


def closing() -> Reply:
    return _reply(codes.CLOSING, codes.OTHER, "Bye")


def shutting_down() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.NOT_ACCEPTING, "The server is shutting down")


def timed_out() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.BAD_CONNECTION, "Nothing came for too long")


def too_many_connections() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, "Too many connections from your address")


def network_blocked() -> Reply:
    """The connection is refused for good, so that the client does not come back at once (RFC 5321 §3.1)."""
    return _reply(codes.TRANSACTION_FAILED, codes.NOT_AUTHORISED, "Mail from your network is not taken here")


def too_many_bad_commands() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, "Too many bad commands")


def too_many_idle_commands() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, "Too many commands that bring no mail")


def not_synchronised() -> Reply:
    """The client sent more where it had to wait for a reply (RFC 2920 §3.1)."""
    return _reply(codes.TRANSACTION_FAILED, codes.PROTOCOL_OTHER, "You must wait for the reply here")


def not_smtp() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, "This is not SMTP")


# --- commands
# ----------------------------------------------------------------------------------------------------


def ok() -> Reply:
    return OK


def reset() -> Reply:
    return RESET


def help_text() -> Reply:
    return _reply(codes.HELP_MESSAGE, codes.OTHER, "See RFC 5321")


def cannot_verify() -> Reply:
    """The address is neither confirmed nor denied (RFC 5321 §3.5.3)."""
    return _reply(codes.CANNOT_VERIFY, codes.OTHER, "Send some mail, it will be tried")


def expansion_disabled() -> Reply:
    return _reply(codes.COMMAND_NOT_IMPLEMENTED, codes.EXPANSION_PROHIBITED, "Lists are not expanded here")


def unknown_command() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.INVALID_COMMAND, "Command not recognised")


def line_too_long() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.SYNTAX_ERROR, "Line too long")


def bare_newline_in_command() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.SYNTAX_ERROR, "A line must end in CRLF and hold no other CR or LF")


def nul_in_command() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.SYNTAX_ERROR, "NUL in a command")


def eight_bit_in_command() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.SYNTAX_ERROR, "Only ASCII is allowed here")


def not_utf8() -> Reply:
    return _reply(codes.COMMAND_UNRECOGNISED, codes.SYNTAX_ERROR, "The command is not UTF-8")


def syntax(form: str) -> Reply:
    """The arguments are wrong; ``form`` shows the right form."""
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.INVALID_ARGUMENTS, f"Syntax: {form}")


def bad_parameter(keyword: str) -> Reply:
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.INVALID_ARGUMENTS, f"Bad value of {keyword}, or given twice")


def unknown_parameter() -> Reply:
    """A parameter is unknown (RFC 5321 §4.1.1.11)."""
    return _reply(codes.PARAMETERS_NOT_RECOGNISED, codes.INVALID_ARGUMENTS, "Parameter not recognised")


def send_hello_first() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "Send EHLO first")


def send_mail_first() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "Send MAIL first")


def transaction_under_way() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "Not during a mail transaction")


def chunks_under_way() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "Only BDAT or RSET between chunks")


def chunks_failed() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "A chunk was refused, send RSET")


def binary_needs_chunks() -> Reply:
    """DATA cannot carry BODY=BINARYMIME (RFC 3030 §3)."""
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "BINARYMIME needs BDAT")


def no_valid_recipients() -> Reply:
    """There are no valid recipients (RFC 5321 §3.3)."""
    return _reply(codes.TRANSACTION_FAILED, codes.INVALID_COMMAND, "No valid recipients")


# --- TLS and authentication
# ----------------------------------------------------------------------------------------------------


def ready_for_tls() -> Reply:
    return _reply(codes.SERVICE_READY, codes.OTHER, "Ready to start TLS")


def tls_not_offered() -> Reply:
    return _reply(codes.COMMAND_NOT_IMPLEMENTED, codes.INVALID_COMMAND, "TLS is not offered")


def tls_not_available() -> Reply:
    """TLS is temporarily not available (RFC 3207 §4)."""
    return _reply(codes.TEMPORARY_AUTHENTICATION_FAILURE, codes.SECURITY_OTHER, "TLS is not available now")


def tls_already_active() -> Reply:
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "TLS is already active")


def tls_required() -> Reply:
    """STARTTLS is required first (RFC 3207 §4)."""
    return _reply(codes.AUTHENTICATION_REQUIRED, codes.SECURITY_OTHER, "Must issue a STARTTLS command first")


def authentication_required() -> Reply:
    """Authentication is required (RFC 4954 §6)."""
    return _reply(codes.AUTHENTICATION_REQUIRED, codes.SECURITY_OTHER, "Authentication required")


def authentication_not_offered() -> Reply:
    return _reply(codes.COMMAND_NOT_IMPLEMENTED, codes.INVALID_COMMAND, "Authentication is not offered here")


def encryption_required() -> Reply:
    """The mechanism requires encryption (RFC 4954 §6)."""
    return _reply(codes.ENCRYPTION_REQUIRED, codes.ENCRYPTION_NEEDED, "Encryption required: issue STARTTLS first")


def mechanism_not_offered() -> Reply:
    return _reply(codes.PARAMETER_NOT_IMPLEMENTED, codes.INVALID_ARGUMENTS, "Authentication mechanism not offered")


def already_authenticated() -> Reply:
    """There may be one successful AUTH in a session (RFC 4954 §4)."""
    return _reply(codes.BAD_SEQUENCE, codes.INVALID_COMMAND, "Already authenticated")


def challenge(encoded: bytes) -> Reply:
    """A server challenge, already in base64 (RFC 4954 §4)."""
    return Reply(codes.CONTINUE_AUTHENTICATION, None, (encoded.decode("ascii"),))


def authenticated() -> Reply:
    return _reply(codes.AUTHENTICATION_SUCCEEDED, codes.SECURITY_OTHER, "Authentication succeeded")


def authentication_failed() -> Reply:
    return _reply(codes.AUTHENTICATION_FAILED, codes.CREDENTIALS_INVALID, "Authentication failed")


def authentication_unavailable() -> Reply:
    return _reply(codes.TEMPORARY_AUTHENTICATION_FAILURE, codes.SECURITY_OTHER, "Authentication is not available now")


def authentication_cancelled() -> Reply:
    """The server must reject a cancelled AUTH with 501 (RFC 4954 §4)."""
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.SECURITY_OTHER, "Authentication cancelled")


def authentication_malformed() -> Reply:
    """A response that is not base64 is answered 501 (RFC 4954 §4)."""
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.SYNTAX_ERROR, "Malformed authentication response")


def authentication_line_too_long() -> Reply:
    """A response is too long (RFC 4954 §4)."""
    return _reply(codes.COMMAND_UNRECOGNISED, codes.AUTH_LINE_TOO_LONG, "Authentication line too long")


def too_many_failed_authentications() -> Reply:
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, "Too many failed authentications")


# --- the sender
# ----------------------------------------------------------------------------------------------------


def sender_accepted() -> Reply:
    return SENDER_ACCEPTED


def bad_sender_syntax() -> Reply:
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.BAD_SENDER_SYNTAX, "The sender address is not valid")


def non_ascii_address() -> Reply:
    """A non-ASCII address requires SMTPUTF8 (RFC 6531 §3.5)."""
    return _reply(codes.MAILBOX_NAME_NOT_ALLOWED, codes.NON_ASCII_NOT_PERMITTED, "A non-ASCII address needs SMTPUTF8")


def log_in_ended(reason: str) -> Reply:
    """The log-in of the session was revoked."""
    return _reply(codes.SERVICE_NOT_AVAILABLE, codes.SECURITY_OTHER, reason)


def sender_not_owned() -> Reply:
    return _reply(codes.MAILBOX_NAME_NOT_ALLOWED, codes.NOT_AUTHORISED, "You may not send as this address")


def too_much_submitted(mails_an_hour: int) -> Reply:
    """The account submits more mails than it may; there is room within an hour."""
    text = f"You may send {mails_an_hour} mails an hour; try again later"
    return _reply(codes.MAILBOX_BUSY, codes.SECURITY_OTHER, text)


def hold_too_long(seconds: int) -> Reply:
    """The time of release is too far in the future (RFC 4865 §4)."""
    text = f"A message is held for {seconds} seconds at most"
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.INVALID_ARGUMENTS, text)


def too_much_held() -> Reply:
    """The account has too much mail that waits for its release; there is room when some of it is released."""
    text = "Too much of your mail waits for its release"
    return _reply(codes.INSUFFICIENT_STORAGE, codes.SYSTEM_OTHER, text)


# --- recipients
# ----------------------------------------------------------------------------------------------------


def recipient_accepted() -> Reply:
    return RECIPIENT_ACCEPTED


def bad_recipient_syntax() -> Reply:
    return _reply(codes.ARGUMENT_SYNTAX_ERROR, codes.BAD_DESTINATION_SYNTAX, "The recipient address is not valid")


def no_such_mailbox() -> Reply:
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.BAD_DESTINATION_MAILBOX, "There is no such mailbox here")


def relay_denied() -> Reply:
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.NOT_AUTHORISED, "Mail for this domain is not taken here")


def mailbox_disabled() -> Reply:
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.MAILBOX_DISABLED, "The mailbox is disabled")


def mailbox_full() -> Reply:
    """The owner may make room before the client tries again."""
    return _reply(codes.INSUFFICIENT_STORAGE, codes.MAILBOX_FULL, "The mailbox is full")


def larger_than_the_mailbox() -> Reply:
    return _reply(codes.STORAGE_EXCEEDED, codes.MAILBOX_FULL, "The mailbox has no room for this message")


def recipient_deferred() -> Reply:
    return _reply(codes.LOCAL_ERROR, codes.SYSTEM_OTHER, "The recipient cannot be checked now, try later")


def too_many_unknown_recipients() -> Reply:
    return _reply(codes.MAILBOX_BUSY, codes.NOT_AUTHORISED, "Too many unknown recipients from your network, try later")


def only_bounces() -> Reply:
    """A return path of forwarded mail takes nothing else, or it would open a relay."""
    return _reply(
        codes.MAILBOX_UNAVAILABLE, codes.NOT_AUTHORISED, "This return path takes only mail with the null reverse-path"
    )


def not_our_return_path() -> Reply:
    return _reply(
        codes.MAILBOX_UNAVAILABLE, codes.BAD_DESTINATION_MAILBOX, "This return path was not written by this server"
    )


def return_path_expired() -> Reply:
    return _reply(
        codes.MAILBOX_UNAVAILABLE, codes.BAD_DESTINATION_MAILBOX, "This return path is too old, it has expired"
    )


def too_many_bounces() -> Reply:
    return _reply(codes.MAILBOX_BUSY, codes.NOT_AUTHORISED, "Too many bounces from your network, try later")


def too_many_recipients() -> Reply:
    """The answer is 452, so that the client sends the rest in another transaction (RFC 5321 §4.5.3.1.10)."""
    return _reply(codes.INSUFFICIENT_STORAGE, codes.TOO_MANY_RECIPIENTS, "Too many recipients")


def list_alone() -> Reply:
    """Whether a list takes a message is decided at its end, for all recipients at once, so the list comes alone."""
    return _reply(
        codes.INSUFFICIENT_STORAGE, codes.TOO_MANY_RECIPIENTS, "A mailing list takes mail in a transaction of its own"
    )


def list_refuses(reason: str) -> Reply:
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.NOT_AUTHORISED, reason[:1].upper() + reason[1:])


def list_has_no_room(reason: str) -> Reply:
    """As many posts as may wait for moderators do. The answer is final, so that nobody tries for days."""
    return _reply(codes.STORAGE_EXCEEDED, codes.MAILBOX_FULL, reason[:1].upper() + reason[1:])


# --- the message
# ----------------------------------------------------------------------------------------------------


def start_mail_input() -> Reply:
    return START_MAIL_INPUT


def chunk_received(octets: int) -> Reply:
    return _reply(codes.OK, codes.OTHER, f"{octets} octets received")


def message_accepted(queue_id: str) -> Reply:
    return _reply(codes.OK, codes.OTHER, f"Accepted as {queue_id}")


def message_held(queue_id: str, until: str) -> Reply:
    """The message is accepted, and delivered later (RFC 4865)."""
    return _reply(codes.OK, codes.OTHER, f"Accepted as {queue_id} and held until {until}")


def message_too_large(limit: int) -> Reply:
    """The message is too large (RFC 1870 §6)."""
    return _reply(codes.STORAGE_EXCEEDED, codes.MESSAGE_TOO_BIG, f"The message is larger than {limit} octets")


def too_large_for_recipient(limit: int) -> Reply:
    """The message is larger than the recipient takes (RFC 1870 §6.1, X.2.3 of RFC 3463)."""
    text = f"The recipient takes no message larger than {limit} octets"
    return _reply(codes.STORAGE_EXCEEDED, codes.MESSAGE_LENGTH_EXCEEDED, text)


def refused_by_script(lines: tuple[str, ...], *, utf8: bool) -> Reply:
    """The recipient's script refuses the message (RFC 5429 §2.5); `utf8` where the client takes UTF-8."""
    return Reply(codes.MAILBOX_UNAVAILABLE, f"5.{codes.NOT_AUTHORISED}", lines, utf8=utf8)


def bare_newline_in_message() -> Reply:
    """CR and LF must only occur together (RFC 5321 §2.3.8); anything else allows smuggling."""
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.MEDIA_ERROR, "The message has a CR or LF that is not part of CRLF")


def header_too_large(limit: int) -> Reply:
    return _reply(codes.STORAGE_EXCEEDED, codes.MESSAGE_TOO_BIG, f"The message header is larger than {limit} octets")


def too_many_header_fields() -> Reply:
    return _reply(codes.STORAGE_EXCEEDED, codes.MESSAGE_TOO_BIG, "The message header has too many fields or lines")


def event_too_large() -> Reply:
    text = "Envelope and header are too large to be stored, use fewer recipients"
    return _reply(codes.STORAGE_EXCEEDED, codes.MESSAGE_TOO_BIG, text)


def header_malformed() -> Reply:
    return _reply(codes.MAILBOX_UNAVAILABLE, codes.MEDIA_ERROR, "The message header is malformed")


def routing_loop() -> Reply:
    return _reply(codes.TRANSACTION_FAILED, codes.ROUTING_LOOP, "The message has passed too many servers")


def list_loop() -> Reply:
    return _reply(codes.TRANSACTION_FAILED, codes.ROUTING_LOOP, "The message has been on this mailing list already")


def storage_full() -> Reply:
    return _reply(codes.INSUFFICIENT_STORAGE, codes.SYSTEM_FULL, "The system has no room now")


def try_later() -> Reply:
    """The reply to every unexpected error; it reveals nothing about the error."""
    return _reply(codes.LOCAL_ERROR, codes.SYSTEM_OTHER, "A local error, try later")


# Replies that every mail needs are made once
OK: Final = _reply(codes.OK, codes.OTHER, "OK")
RESET: Final = _reply(codes.OK, codes.OTHER, "Reset")
SENDER_ACCEPTED: Final = _reply(codes.OK, codes.SENDER_ACCEPTED, "Sender OK")
RECIPIENT_ACCEPTED: Final = _reply(codes.OK, codes.DESTINATION_VALID, "Recipient OK")
START_MAIL_INPUT: Final = Reply(codes.START_MAIL_INPUT, None, ("End with a line of a single dot",))

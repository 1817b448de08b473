"""Every wire name of SMTP once: reply codes, enhanced status details, verbs, extension keywords, parameters and their
values.
"""

from typing import Final

# Reply codes: RFC 5321 §4.2.2, RFC 4954 §6, RFC 3207 §4, RFC 7504
HELP_MESSAGE: Final = 214
SERVICE_READY: Final = 220
CLOSING: Final = 221
AUTHENTICATION_SUCCEEDED: Final = 235
OK: Final = 250
CANNOT_VERIFY: Final = 252
CONTINUE_AUTHENTICATION: Final = 334
START_MAIL_INPUT: Final = 354
SERVICE_NOT_AVAILABLE: Final = 421
LOCAL_ERROR: Final = 451
INSUFFICIENT_STORAGE: Final = 452
TEMPORARY_AUTHENTICATION_FAILURE: Final = 454
COMMAND_UNRECOGNISED: Final = 500
ARGUMENT_SYNTAX_ERROR: Final = 501
COMMAND_NOT_IMPLEMENTED: Final = 502
BAD_SEQUENCE: Final = 503
PARAMETER_NOT_IMPLEMENTED: Final = 504
AUTHENTICATION_REQUIRED: Final = 530
AUTHENTICATION_FAILED: Final = 535
ENCRYPTION_REQUIRED: Final = 538
MAILBOX_UNAVAILABLE: Final = 550
STORAGE_EXCEEDED: Final = 552
MAILBOX_NAME_NOT_ALLOWED: Final = 553
TRANSACTION_FAILED: Final = 554
PARAMETERS_NOT_RECOGNISED: Final = 555

# Enhanced status codes (RFC 3463, IANA registry) without their class, which is the reply code's first digit
OTHER: Final = "0.0"
BAD_DESTINATION_MAILBOX: Final = "1.1"
BAD_DESTINATION_SYNTAX: Final = "1.3"
DESTINATION_VALID: Final = "1.5"
BAD_SENDER_SYNTAX: Final = "1.7"
SENDER_ACCEPTED: Final = "1.0"
MAILBOX_DISABLED: Final = "2.1"
SYSTEM_OTHER: Final = "3.0"
SYSTEM_FULL: Final = "3.1"
NOT_ACCEPTING: Final = "3.2"
MESSAGE_TOO_BIG: Final = "3.4"
BAD_CONNECTION: Final = "4.2"
ROUTING_LOOP: Final = "4.6"
INVALID_COMMAND: Final = "5.1"
SYNTAX_ERROR: Final = "5.2"
TOO_MANY_RECIPIENTS: Final = "5.3"
INVALID_ARGUMENTS: Final = "5.4"
AUTH_LINE_TOO_LONG: Final = "5.6"
MEDIA_ERROR: Final = "6.0"
NON_ASCII_NOT_PERMITTED: Final = "6.7"  # RFC 6531
SECURITY_OTHER: Final = "7.0"
NOT_AUTHORISED: Final = "7.1"
EXPANSION_PROHIBITED: Final = "7.2"
CREDENTIALS_INVALID: Final = "7.8"  # RFC 4954
ENCRYPTION_NEEDED: Final = "7.11"  # RFC 4954

# Verbs
HELO: Final = "HELO"
EHLO: Final = "EHLO"
MAIL: Final = "MAIL"
RCPT: Final = "RCPT"
DATA: Final = "DATA"
BDAT: Final = "BDAT"
RSET: Final = "RSET"
NOOP: Final = "NOOP"
VRFY: Final = "VRFY"
EXPN: Final = "EXPN"
HELP: Final = "HELP"
QUIT: Final = "QUIT"
STARTTLS: Final = "STARTTLS"
AUTH: Final = "AUTH"

# Extension keywords of the EHLO reply that are neither a verb above nor a parameter below
PIPELINING: Final = "PIPELINING"
ENHANCED_STATUS_CODES: Final = "ENHANCEDSTATUSCODES"
EIGHT_BIT_MIME: Final = "8BITMIME"
CHUNKING: Final = "CHUNKING"
DSN: Final = "DSN"

# Parameters of MAIL and RCPT, and their values
SIZE: Final = "SIZE"
BODY: Final = "BODY"
SMTPUTF8: Final = "SMTPUTF8"
RET: Final = "RET"
ENVID: Final = "ENVID"
NOTIFY: Final = "NOTIFY"
ORCPT: Final = "ORCPT"
SEVEN_BIT: Final = "7BIT"
BINARY_MIME: Final = "BINARYMIME"
RET_FULL: Final = "FULL"
RET_HEADERS: Final = "HDRS"
NOTIFY_NEVER: Final = "NEVER"
NOTIFY_SUCCESS: Final = "SUCCESS"
NOTIFY_FAILURE: Final = "FAILURE"
NOTIFY_DELAY: Final = "DELAY"
UTF8_ADDRESS_TYPE: Final = "utf-8"  # RFC 6533

POSTMASTER: Final = "postmaster"  # RFC 5321 §4.5.1

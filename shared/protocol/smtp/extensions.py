"""The extensions in the EHLO reply, from the settings and the state of the session."""

from shared.protocol.smtp import codes
from shared.protocol.smtp.config import SessionConfig


def offers(config: SessionConfig, tls_active: bool) -> tuple[str, ...]:
    """The ehlo-lines of RFC 5321 §4.1.1.1, without the first."""
    lines = [
        codes.PIPELINING,
        f"{codes.SIZE} {config.max_message_size}",
        codes.EIGHT_BIT_MIME,
        codes.ENHANCED_STATUS_CODES,
    ]
    if config.tls_offered and not tls_active:
        lines.append(codes.STARTTLS)  # RFC 3207 §4.2: not under TLS
    if config.mechanisms and tls_active:
        lines.append(
            f"{codes.AUTH} {' '.join(config.mechanisms)}"
        )  # RFC 4954 §3; RFC 8314 §3.3: no passwords in the clear
    lines.append(codes.DSN)
    if config.future_release is not None:
        lines.append(f"{codes.FUTURE_RELEASE} {config.future_release.interval} {config.future_release.until}")
    if config.require_tls and tls_active:
        lines.append(codes.REQUIRE_TLS)
    if config.chunking:
        lines += [codes.CHUNKING, codes.BINARY_MIME]
    if config.smtputf8:
        lines.append(codes.SMTPUTF8)
    return tuple(lines)

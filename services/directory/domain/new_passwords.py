"""The rule for new passwords."""

from __future__ import annotations

from services.directory.domain.generated_passwords import read_generated
from services.directory.domain.state import DirectoryRefused
from shared.protocol.sasl.mechanism import TEXT_LIMIT, prepare_password, read_text


def checked_password(password: str, least: int) -> str:
    """A new password as it is hashed (RFC 4013); `least` is its length in characters. Raises DirectoryRefused."""
    prepared = prepare_password(password)
    if len(prepared) < least:
        raise DirectoryRefused(
            "invalid", f"the password is too short: {least} characters at least (directory.password_length)"
        )
    if read_generated(prepared) is not None:
        raise DirectoryRefused("invalid", "this has the form of a password that the server makes: take another")
    if read_text(prepared.encode("utf-8", "replace")) is None:
        raise DirectoryRefused("invalid", f"a password has at most {TEXT_LIMIT} octets and no control characters")
    return prepared

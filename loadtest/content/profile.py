"""The properties of the load test's mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares are between 0 and 1, sizes in bytes. The defaults are the profile of published figures."""

    seed: int = 1
    median_size: int = 8192
    size_spread: float = 0.9
    """The sigma of the log-normal distribution of sizes."""
    smallest: int = 1024
    largest: int = 65536
    """Limits of the size without attachment, before base64 or quoted-printable make it longer."""
    attachment_share: float = 0.05
    attachment_size: int = 200 * 1024
    """The size of an attachment as encoded."""
    multipart_share: float = 0.40
    signed_share: float = 0.50
    spam_share: float = 0.20
    accented_share: float = 0.30
    links_share: float = 0.35
    domain: str = "bench.test"
    users: int = 50

    def recipient(self, number: int) -> str:
        """The address of the user with this number."""
        return f"{user_name(number)}@{self.domain}"


def user_name(number: int) -> str:
    """The login of the user with this number."""
    return f"user{number:02d}"

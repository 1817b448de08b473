"""The owners of accounts, as the mailstore asks for them."""

from __future__ import annotations

from shared.owner.mail_owners import Owners as Owners

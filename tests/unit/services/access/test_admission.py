"""The limit of sessions."""

from __future__ import annotations

from services.access.session.admission import Admission
from services.access.settings import AccessSettings


def test_sessions_are_counted_by_account() -> None:
    admission = Admission(AccessSettings(max_connections_per_account=1))
    assert admission.admit_account("ann")
    assert not admission.admit_account("ann")
    assert admission.admit_account("bob")
    admission.release_account("ann")
    assert admission.sessions == 1

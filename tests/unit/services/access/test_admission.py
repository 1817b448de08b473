"""The limit of sessions."""

from __future__ import annotations

from services.access.session.admission import Admission


def test_sessions_are_counted_by_account() -> None:
    admission = Admission(1)
    assert admission.admit_account("ann")
    assert not admission.admit_account("ann")
    assert admission.admit_account("bob")
    admission.release_account("ann")
    assert admission.sessions == 1

"""What the endpoint of dry runs refuses before anything is asked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.delivery.endpoints.dry_runs import LATEST, DryRunsEndpoint
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.delivery.v1 import dryruns_pb2 as pb


class _Anybody:
    async def check(self, account: str, method: str) -> None:
        """Everybody may try."""


@pytest.mark.parametrize("now", [-1, LATEST + 1, 2**63 - 1])
async def test_a_time_that_is_none_is_refused(now: int) -> None:
    endpoint = DryRunsEndpoint(cast("Any", None), cast("Any", _Anybody()), cast("Any", None), 100)
    with pytest.raises(Invalid, match="1970"):
        await endpoint.TestScript(pb.TestScriptRequest(account="a1", now=now), None)

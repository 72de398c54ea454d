"""A judge that some grasps kill; workers import it by PYTHONPATH."""

from __future__ import annotations

import os
from typing import Any

from dex1b_core.simulation.judge_server import JudgeRequest, JudgeServer, JudgeServerSource


class FatalSource(JudgeServerSource):
    """Makes judges that die of every grasp whose first joint is positive."""

    def make(self) -> JudgeServer:
        return Fatal(self.hand)


class Fatal(JudgeServer):
    """See `FatalSource`."""

    def answer(self, request: JudgeRequest) -> Any:
        if request.postures[1, 0] > 0.0:
            os._exit(1)
        return super().answer(request)

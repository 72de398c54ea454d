"""Makes grasp candidates for an observed object: generate_grasps."""

from __future__ import annotations

import random
import threading
from typing import Any

from pydantic import Field

from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError
from dex1b_core.robots import load_robot
from dex1b_core.synthesis import make_generator
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions
from dex1b_ros.bounds import MAX_CANDIDATES, require_at_most
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.server_life import ServerLife


class Parameters(NodeParameters):
    """Parameters of the generator."""

    backend: str = Field('optimizer', description="'optimizer', 'dexsimple' or 'heuristic'")
    count: int = Field(64, ge=1, le=4096, description='candidates for a request that says 0')
    threads: int = Field(
        1, ge=1, le=64, description='of the tensor library; more only help where cores are idle'
    )


class GeneratorNode(Dex1bNode):
    """Owns one generator; requests wait for each other."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('generator')
        self._lock = threading.Lock()
        self._service: Any = None

    def configure(self) -> None:
        """Load the hand, then offer the service."""
        import torch

        torch.set_num_threads(self.params.threads)
        self._robot = load_robot(self.params.robot)
        self._generator = make_generator(self.params.backend, self._robot)
        self._service = self.create_service(GenerateGrasps, 'generate_grasps', self._on_generate)
        self._life = ServerLife(self, 'generate_grasps')

    def cleanup(self) -> None:
        """Withdraw the service."""
        if self._service is not None:  # None when configuring had failed
            self._life.destroy()
            self.destroy_service(self._service)

    async def _on_generate(self, request: Any, reply: Any) -> Any:
        try:
            self.require_active()
            await self.in_thread(self._generate, request, reply)
        except Exception as error:
            self.fail(reply, error)
        return reply

    def _generate(self, request: Any, reply: Any) -> None:
        hand = self._robot.hand
        if request.hand not in ('', hand.key):
            raise UnknownNameError(ErrorCode.INVALID_REQUEST, 'hand', request.hand, [hand.key])
        require_at_most(request.count, MAX_CANDIDATES, 'candidates asked for')
        reply.backend = self.params.backend
        reply.seed = request.seed or random.randrange(1, 2**32)
        observation = conversions.observation(request.scene)
        require_frame(request.scene, self.params.tf_prefix + self._robot.base_link)
        with self._lock:
            result = self._generator.generate(
                observation, count=request.count or self.params.count, seed=reply.seed
            )
        reply.backend = result.backend
        reply.rejections = [conversions.rejection_msg(r) for r in result.rejections]
        wrist = self.params.tf_prefix + hand.root_link
        reply.candidates = [
            conversions.candidate_msg(candidate, wrist, request.scene.header)
            for candidate in result.candidates
        ]


def require_frame(scene: Any, planning_frame: str) -> None:
    """Refuse a scene that is not in the planning frame.

    Raises:
        Dex1bError: INVALID_REQUEST.
    """
    if scene.header.frame_id.lstrip('/') != planning_frame:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f"the scene is in frame '{scene.header.frame_id}'; expected '{planning_frame}', the "
            "robot's base",
        )


def main() -> None:
    """Run the node."""
    run(GeneratorNode)


if __name__ == '__main__':
    main()

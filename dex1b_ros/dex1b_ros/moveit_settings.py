"""How the executor asks MoveIt, where it does."""

from __future__ import annotations

from pydantic import Field

from dex1b_core.config import StrictModel

SCENE, APPLY, PLAN = SERVICES = (
    'get_planning_scene', 'apply_planning_scene', 'plan_kinematic_path'
)  # fmt: skip


class MoveItSettings(StrictModel):
    """How move_group is asked."""

    group: str = Field('', description="planning group of the arm in MoveIt's SRDF")
    namespace: str = Field('', description='of move_group')
    pipeline: str = Field('', description="'ompl', ...; '' for MoveIt's default")
    planner: str = Field('', description="'' for the group's default")
    attempts: int = Field(1, ge=1, le=20, description='the shortest path of so many')

    def service(self, name: str) -> str:
        """Name of one of move_group's services, for a node of the stack."""
        namespace = self.namespace.rstrip('/')
        return f'{namespace}/{name}' if namespace else name

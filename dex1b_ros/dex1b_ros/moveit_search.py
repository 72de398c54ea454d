"""Ways through free space found by MoveIt 2: services of move_group, asked by the executor.

Only the path is taken: it is checked against our own collision model, timed and validated as our
own paths are (MoveIt's timing may break acceleration limits).
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.path_search import PathProblem, checked_path
from dex1b_core.robots import RobotDescription
from dex1b_ros.callers import await_future
from dex1b_ros.moveit_contacts import allow_contacts
from dex1b_ros.moveit_errors import INSTEAD, SETUP, refusal
from dex1b_ros.moveit_scene import PREFIX, collision_objects, removals
from dex1b_ros.moveit_settings import APPLY, PLAN, SCENE, MoveItSettings
from dex1b_ros.node import Dex1bNode

Array = NDArray[np.float64]

_DISCOVERY_S = 10.0
_ANSWER_S = 5.0  # wall clock, beyond the time that planning may take
_NEAR = 1e-4  # [rad] from a goal that counts as there


class MoveItSearch:
    """See `dex1b_core.motion.path_search.PathSearch`; call it from a worker thread.

    Args:
        node: Owner of the clients; its executor must spin.
        robot: Whose arm; joints, links and the planning frame go by its names, with the node's
            tf_prefix.
        settings: How move_group is asked.
        motion: For resolution and time limit.
        check: Called while move_group is waited for; ends that by raising.

    Raises:
        Dex1bError: INVALID_CONFIGURATION without a group, or when moveit_msgs is not installed.
    """

    def __init__(
        self,
        node: Dex1bNode,
        robot: RobotDescription,
        settings: MoveItSettings,
        motion: MotionSettings,
        *,
        check: Callable[[], None],
    ) -> None:
        if not settings.group:
            raise ConfigurationError(
                "motion_backend is 'moveit' and moveit.group is empty; expected the name of the "
                "arm's planning group in the SRDF"
            )
        try:
            services = importlib.import_module('moveit_msgs.srv')
        except ImportError as error:
            raise ConfigurationError(
                f"motion_backend is 'moveit', but {error}; install ros-jazzy-moveit-msgs{INSTEAD}"
            ) from error
        self._services, self._settings, self._motion = services, settings, motion
        self._node, self._check = node, check
        self._prefix = node.params.tf_prefix
        self._frame = self._prefix + robot.base_link
        self._arm = tuple(self._prefix + name for name in robot.arm.joints)
        self._hand = tuple(self._prefix + name for name in robot.hand.joints)
        self._scene = node.create_client(services.GetPlanningScene, settings.service(SCENE))
        self._apply = node.create_client(services.ApplyPlanningScene, settings.service(APPLY))
        self._plan = node.create_client(services.GetMotionPlan, settings.service(PLAN))

    def destroy(self) -> None:
        """Free the clients; what was shown to MoveIt stays there."""
        for client in (self._scene, self._apply, self._plan):
            self._node.destroy_client(client)

    def path(self, problem: PathProblem) -> Array:
        """See `PathSearch`.

        Raises:
            Dex1bError: NODE_UNAVAILABLE where move_group does not answer; what it refuses, see
                `refusal`; INVALID_CONFIGURATION when it does not take the scene; NO_PATH for a
                path that is not what was asked for; whatever `check` raises.
        """
        self._show(problem)
        answer_s = self._motion.planning_time + _ANSWER_S
        reply = self._ask(self._plan, self._request(problem), answer_s).motion_plan_response
        if reply.error_code.val != reply.error_code.SUCCESS:
            raise refusal(int(reply.error_code.val), getattr(reply.error_code, 'message', ''))
        found = reply.trajectory.joint_trajectory
        corners = ordered(found.joint_names, [point.positions for point in found.points], self._arm)
        return checked_path(corners, problem, self._motion)

    def _show(self, problem: PathProblem) -> None:
        """Put the scene of this problem in the place of the one before, whoever showed that."""
        from moveit_msgs.msg import PlanningSceneComponents as Parts

        question = self._services.GetPlanningScene.Request()
        question.components.components = Parts.WORLD_OBJECT_NAMES | Parts.ALLOWED_COLLISION_MATRIX
        known = self._ask(self._scene, question, _ANSWER_S).scene
        objects = collision_objects(problem.bodies, problem.margins, self._frame)
        ids = [item.id for item in objects]
        present = [item.id for item in known.world.collision_objects]
        gone = [name for name in present if name.startswith(PREFIX) and name not in ids]
        request = self._services.ApplyPlanningScene.Request()
        request.scene.is_diff = request.scene.robot_state.is_diff = True
        request.scene.world.collision_objects = [*removals(gone, self._frame), *objects]
        links = [self._prefix + link for link in problem.fixed_links]
        if allow_contacts(known.allowed_collision_matrix, links, ids):
            request.scene.allowed_collision_matrix = known.allowed_collision_matrix
        if not self._ask(self._apply, request, _ANSWER_S).success:
            raise ConfigurationError(
                f"move_group does not take the scene (ids '{PREFIX}...' in frame "
                f"'{self._frame}'); see its log, and make sure that this is a frame of its robot"
                f'{INSTEAD}'
            )

    def _request(self, problem: PathProblem) -> Any:
        from moveit_msgs.msg import Constraints, JointConstraint

        request = self._services.GetMotionPlan.Request()
        ask = request.motion_plan_request
        ask.group_name = self._settings.group
        ask.pipeline_id, ask.planner_id = self._settings.pipeline, self._settings.planner
        ask.num_planning_attempts = self._settings.attempts
        ask.allowed_planning_time = self._motion.planning_time
        ask.max_velocity_scaling_factor = ask.max_acceleration_scaling_factor = 1.0
        ask.start_state.is_diff = True  # what we do not know of, as an external axis, stays
        ask.start_state.joint_state = JointState(
            header=Header(frame_id=self._frame), name=[*self._arm, *self._hand],
            position=[*problem.start.tolist(), *problem.hand.tolist()],
        )  # fmt: skip
        ask.goal_constraints = [
            Constraints(joint_constraints=[
                JointConstraint(
                    joint_name=name, position=position, weight=1.0, tolerance_above=_NEAR,
                    tolerance_below=_NEAR,
                )
                for name, position in zip(self._arm, goal.tolist(), strict=True)
            ])
            for goal in problem.goals
        ]  # fmt: skip
        return request

    def _ask(self, client: Any, request: Any, timeout_s: float) -> Any:
        what = f"service '{client.service_name}'"
        deadline = time.monotonic() + _DISCOVERY_S
        while not client.service_is_ready():
            self._check()
            if time.monotonic() > deadline:
                raise _unavailable(f'no server for {what} within {_DISCOVERY_S:.0f} s')
            time.sleep(0.05)
        future = client.call_async(request)
        try:
            return await_future(future, what, timeout_s, self._check)
        except Dex1bError as error:
            client.remove_pending_request(future)
            if error.error_code is not ErrorCode.DEADLINE:
                raise
            raise _unavailable(error.message) from error


def _unavailable(what: str) -> Dex1bError:
    return Dex1bError(ErrorCode.NODE_UNAVAILABLE, f'{what}; start move_group{INSTEAD}')


def ordered(names: Sequence[str], rows: Sequence[Sequence[float]], joints: Sequence[str]) -> Array:
    """Positions (K, A) of `joints` out of rows in the order of `names`, which may hold others.

    Raises:
        Dex1bError: NO_PATH when joints are missing, rows have another length, or there are none.
    """
    missing = sorted(set(joints) - set(names))
    wrong = [len(row) for row in rows if len(row) != len(names)]
    if missing or wrong or not rows:
        raise Dex1bError(
            ErrorCode.NO_PATH,
            f"MoveIt's path has {len(rows)} points of joints {list(names)}; missing are "
            f'{missing}, rows of another length: {len(wrong)}; {SETUP}',
        )
    columns = [list(names).index(name) for name in joints]
    return np.array([list(row) for row in rows], dtype=float)[:, columns]

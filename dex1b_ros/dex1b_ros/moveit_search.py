"""Ways through free space found by MoveIt 2: services of move_group, asked by the executor.

Only the path is taken: it is checked against our own collision model, timed and validated as our
own paths are (MoveIt's timing may break acceleration limits).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.path_search import PathProblem, checked_path
from dex1b_core.robots import RobotDescription
from dex1b_ros.callers import ServiceCaller
from dex1b_ros.moveit_scene import PREFIX, collision_objects, removals
from dex1b_ros.moveit_settings import MoveItSettings
from dex1b_ros.node import Dex1bNode

Array = NDArray[np.float64]

_ANSWER_S = 5.0  # wall clock, beyond the time that planning may take
_NEAR = 1e-4  # [rad] from a goal that counts as there
_INSTEAD = "; or set the parameter motion_backend to 'dex1b'"
_CONFIGURATION = 'are its robot model, its SRDF and moveit.group those of this robot?'
_REFUSALS = {
    -6: (ErrorCode.DEADLINE, 'TIMED_OUT', 'allow more motion.planning_time'),
    -10: (ErrorCode.SCENE_COLLISION, 'START_STATE_IN_COLLISION', 'move the arm away by hand'),
    -12: (ErrorCode.SCENE_COLLISION, 'GOAL_IN_COLLISION', 'choose another grasp'),
    -15: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_GROUP_NAME', _CONFIGURATION),
    -16: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_GOAL_CONSTRAINTS', _CONFIGURATION),
    -17: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_ROBOT_STATE', _CONFIGURATION),
    -18: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_LINK_NAME', _CONFIGURATION),
    -21: (ErrorCode.INVALID_CONFIGURATION, 'FRAME_TRANSFORM_FAILURE', _CONFIGURATION),
    -26: (ErrorCode.INVALID_CONFIGURATION, 'START_STATE_INVALID', _CONFIGURATION),
}
"""What some of MoveItErrorCodes mean here, and what to do; all others say that there is no path."""


class MoveItSearch:
    """See `dex1b_core.motion.path_search.PathSearch`; call it from a worker thread.

    Args:
        node: Owner of the clients; its executor must spin.
        robot: Whose arm; joints of arm and hand and the planning frame go by its names, with
            the node's tf_prefix.
        settings: How move_group is asked.
        motion: For resolution and time limit.

    Raises:
        Dex1bError: INVALID_CONFIGURATION without a group, or when moveit_msgs is not installed.
    """

    def __init__(
        self,
        node: Dex1bNode,
        robot: RobotDescription,
        settings: MoveItSettings,
        motion: MotionSettings,
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
                f"motion_backend is 'moveit', but {error}; install ros-$ROS_DISTRO-moveit-msgs"
                f'{_INSTEAD}'
            ) from error
        self._services, self._settings, self._motion = services, settings, motion
        prefix = node.params.tf_prefix
        self._frame = prefix + robot.base_link
        self._arm = tuple(prefix + name for name in robot.arm.joints)
        self._hand = tuple(prefix + name for name in robot.hand.joints)
        group = settings.namespace.rstrip('/')
        where = f'{group}/' if group else ''
        self._plan = ServiceCaller(node, services.GetMotionPlan, f'{where}plan_kinematic_path')
        self._apply = ServiceCaller(
            node, services.ApplyPlanningScene, f'{where}apply_planning_scene'
        )
        self._shown: set[str] = set()

    def destroy(self) -> None:
        """Free the clients; what was shown to MoveIt stays there."""
        self._plan.destroy()
        self._apply.destroy()

    def path(self, problem: PathProblem) -> Array:
        """See `PathSearch`."""
        self._show(problem)
        reply = self._ask(self._plan, self._request(problem)).motion_plan_response
        if reply.error_code.val != reply.error_code.SUCCESS:
            raise refusal(int(reply.error_code.val), getattr(reply.error_code, 'message', ''))
        found = reply.trajectory.joint_trajectory
        corners = ordered(found.joint_names, [point.positions for point in found.points], self._arm)
        return checked_path(corners, problem, self._motion)

    def _show(self, problem: PathProblem) -> None:
        """Put the scene of this problem in the place of the one before."""
        request = self._services.ApplyPlanningScene.Request()
        request.scene.is_diff = request.scene.robot_state.is_diff = True
        gone = sorted(self._shown - set(problem.bodies))
        request.scene.world.collision_objects = [
            *removals(gone, self._frame), *collision_objects(problem.bodies, self._frame),
        ]  # fmt: skip
        if not self._ask(self._apply, request).success:
            raise Dex1bError(
                ErrorCode.NO_PATH,
                f"move_group does not take the scene (ids '{PREFIX}...' in frame "
                f"'{self._frame}'): is that a frame of its robot{_INSTEAD}?",
            )
        self._shown = set(problem.bodies)

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

    def _ask(self, service: ServiceCaller, request: Any) -> Any:
        try:
            return service.call(request, timeout_s=self._motion.planning_time + _ANSWER_S)
        except Dex1bError as error:
            if error.error_code not in (ErrorCode.NODE_UNAVAILABLE, ErrorCode.DEADLINE):
                raise
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE, f'{error.message}: is move_group running{_INSTEAD}?'
            ) from error


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
            f'{missing}, rows of another length: {len(wrong)}. {_CONFIGURATION.capitalize()}',
        )
    columns = [list(names).index(name) for name in joints]
    return np.array([list(row) for row in rows], dtype=float)[:, columns]


def refusal(code: int, message: str = '') -> Dex1bError:
    """The error that a value of MoveItErrorCodes, with its message, stands for."""
    kind, name, mend = _REFUSALS.get(
        code, (ErrorCode.NO_PATH, str(code), f"see move_group's log{_INSTEAD}")
    )
    said = f' ({message})' if message else ''
    return Dex1bError(kind, f'MoveIt found no path: {name}{said}; {mend}')

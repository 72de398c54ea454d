"""Stands in for MoveIt's move_group: takes scenes, and answers requests as its parameter says."""

from __future__ import annotations

import time

import rclpy
from moveit_msgs.srv import ApplyPlanningScene, GetMotionPlan
from rclpy.node import Node
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectoryPoint


class MoveGroup(Node):
    """Answers with a way over a raised arm, which the parameter `answer` may spoil."""

    def __init__(self) -> None:
        super().__init__('move_group')
        self.declare_parameter('answer', 'good')
        self.objects: dict[str, object] = {}
        self.asked = self.create_publisher(String, 'asked', 10)
        self.create_service(ApplyPlanningScene, 'apply_planning_scene', self.apply)
        self.create_service(GetMotionPlan, 'plan_kinematic_path', self.plan)

    def apply(self, request, response):
        assert request.scene.is_diff
        for item in request.scene.world.collision_objects:
            if item.operation == item.REMOVE:
                del self.objects[item.id]
            else:
                assert len(item.primitives) == len(item.primitive_poses)
                assert len(item.meshes) == len(item.mesh_poses)
                self.objects[item.id] = item
        self.asked.publish(String(data=','.join(sorted(self.objects))))
        response.success = self.answer != 'no scene'
        return response

    @property
    def answer(self) -> str:
        return str(self.get_parameter('answer').value)

    def plan(self, request, response):
        ask, reply = request.motion_plan_request, response.motion_plan_response
        answer = self.answer
        if answer == 'hangs':
            time.sleep(60.0)
        if answer.lstrip('-').isdigit():
            reply.error_code.val = int(answer)
            return response
        start = dict(zip(ask.start_state.joint_state.name, ask.start_state.joint_state.position,
                         strict=True))  # fmt: skip
        goal = {c.joint_name: c.position for c in ask.goal_constraints[0].joint_constraints}
        names = list(reversed(goal))
        raised = {**goal, 'joint2': start['joint2'] - 0.4}
        rows = [[where[name] for name in names] for where in (start, raised, goal)]
        if answer == 'nan':
            rows.insert(1, [float('nan')] * len(names))
        if answer == 'elsewhere':
            rows = [[value + 0.1 for value in row] for row in rows]
        if answer == 'other joints':
            names = [f'other_{name}' for name in names]
        found = reply.trajectory.joint_trajectory
        found.joint_names = ['elevator', *names]
        found.points = [JointTrajectoryPoint(positions=[0.5, *row]) for row in rows]
        if answer == 'nothing':
            found.points = []
        reply.error_code.val = reply.error_code.SUCCESS
        return response


def main() -> None:
    rclpy.init()
    rclpy.spin(MoveGroup())


if __name__ == '__main__':
    main()

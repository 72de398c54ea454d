"""Stands in for MoveIt's move_group: keeps a scene, and answers as its parameter `answer` says.

What it does to the scene follows PlanningScene::setPlanningSceneDiffMsg of moveit2 (Jazzy).
"""

from __future__ import annotations

import json
import os
import time

import rclpy
from moveit_msgs.msg import (
    AllowedCollisionEntry,
    AllowedCollisionMatrix,
    CollisionObject,
    PlanningSceneComponents,
)
from moveit_msgs.srv import ApplyPlanningScene, GetMotionPlan, GetPlanningScene
from rclpy.node import Node
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectoryPoint

OTHERS = ('cage', 'dex1b/obstacles')  # somebody's, and what an earlier executor left


class MoveGroup(Node):
    """Answers with a way over a raised arm, which the parameter `answer` may spoil."""

    def __init__(self) -> None:
        super().__init__('move_group')
        self.declare_parameter('answer', 'good')
        self.objects = {name: CollisionObject(id=name) for name in OTHERS}
        self.matrix = AllowedCollisionMatrix(
            entry_names=['link1', 'link2'],
            entry_values=[
                AllowedCollisionEntry(enabled=row) for row in ([False, True], [True, False])
            ],
            default_entry_names=['link2'],
            default_entry_values=[True],
        )
        self.told = self.create_publisher(String, 'told', 10)
        self.create_service(GetPlanningScene, 'get_planning_scene', self.scene)
        self.create_service(ApplyPlanningScene, 'apply_planning_scene', self.apply)
        self.create_service(GetMotionPlan, 'plan_kinematic_path', self.plan)

    def scene(self, request, response):
        asked = request.components.components
        if asked & PlanningSceneComponents.WORLD_OBJECT_NAMES:
            names = [CollisionObject(id=name) for name in self.objects]
            response.scene.world.collision_objects = names
        if asked & PlanningSceneComponents.ALLOWED_COLLISION_MATRIX:
            response.scene.allowed_collision_matrix = self.matrix
        return response

    def apply(self, request, response):
        scene = request.scene
        assert scene.is_diff
        assert scene.robot_state.is_diff
        if scene.allowed_collision_matrix.entry_names:
            self.matrix = scene.allowed_collision_matrix
        done = [self.take(item) for item in scene.world.collision_objects]
        response.success = all(done) and self.answer != 'no scene'
        return response

    def take(self, item: CollisionObject) -> bool:
        if item.operation == item.REMOVE:
            return self.objects.pop(item.id, None) is not None
        assert item.operation == item.ADD
        assert len(item.primitives) == len(item.primitive_poses)
        assert len(item.meshes) == len(item.mesh_poses)
        self.objects[item.id] = item
        return bool(item.primitives or item.meshes)

    @property
    def answer(self) -> str:
        return str(self.get_parameter('answer').value)

    def plan(self, request, response):
        ask, reply = request.motion_plan_request, response.motion_plan_response
        self.tell(ask)
        answer = self.answer
        if answer == 'hangs':
            time.sleep(60.0)
        if answer == 'dies':
            os._exit(1)
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
        if answer == 'not to the end':
            rows.pop()
        if answer == 'through the object':
            lowered = {**start, 'joint2': 0.8, 'joint4': 0.9}
            rows[1] = [lowered[name] for name in names]
        if answer == 'other joints':
            names = [f'other_{name}' for name in names]
        if answer == 'short rows':
            rows[1].pop()
        found = reply.trajectory.joint_trajectory
        found.joint_names = ['elevator', *names]
        found.points = [JointTrajectoryPoint(positions=[0.5, *row]) for row in rows]
        if answer == 'nothing':
            found.points = []
        reply.error_code.val = reply.error_code.SUCCESS
        return response

    def tell(self, ask) -> None:
        names, rows = self.matrix.entry_names, self.matrix.entry_values
        pairs = [
            (a, b)
            for a, row in zip(names, rows, strict=True)
            for b, allowed in zip(names, row.enabled, strict=True)
            if allowed and a < b
        ]
        what = {
            'objects': sorted(self.objects), 'may touch': pairs, 'group': ask.group_name,
            'joints': list(ask.start_state.joint_state.name), 'diff': ask.start_state.is_diff,
            'goals': len(ask.goal_constraints),
        }  # fmt: skip
        self.told.publish(String(data=json.dumps(what)))


def main() -> None:
    rclpy.init()
    rclpy.spin(MoveGroup())


if __name__ == '__main__':
    main()

"""Faults injected into real processes, and what the robot did about them."""

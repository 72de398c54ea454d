"""Processes of the streaming benchmark."""

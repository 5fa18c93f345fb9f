"""Sensors that wait for jobs on the platform."""

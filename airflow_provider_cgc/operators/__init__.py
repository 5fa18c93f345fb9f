"""Operators that list files, move them and run tasks on the platform."""

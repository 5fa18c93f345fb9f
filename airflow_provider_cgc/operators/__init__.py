"""Operators that list the files of a project and export them."""

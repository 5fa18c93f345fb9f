"""Imports: objects of a volume as files of a project."""

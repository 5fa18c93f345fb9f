"""The rules of choosing files of a project."""

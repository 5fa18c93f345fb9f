"""The rules of waiting for jobs, whatever their kind."""

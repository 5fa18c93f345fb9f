"""The trigger that waits for jobs while their tasks are deferred."""

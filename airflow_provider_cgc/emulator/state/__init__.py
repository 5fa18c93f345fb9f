"""The emulated world: its nouns, jobs, rules, limits and faults."""

"""One request and its answer: how it is sent, paced, repeated and judged."""

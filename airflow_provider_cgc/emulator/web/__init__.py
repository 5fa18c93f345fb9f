"""The emulated API: requests in, answers out."""

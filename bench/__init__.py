"""The cost of waiting, ours and everybody else's, measured against the emulator by one command: `make bench`."""

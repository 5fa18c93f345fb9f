"""The calls with which a test steers the emulator and reads its journal."""

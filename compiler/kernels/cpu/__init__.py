"""The CPU target: vectors, register tiles, lanes."""

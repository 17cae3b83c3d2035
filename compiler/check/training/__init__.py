"""One training: its length and end, what is kept, followed, changed by `--set`, and expected of it."""

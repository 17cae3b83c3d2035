"""The commands of `netc`, one file each, imported when they are called (`command_line.py`)."""

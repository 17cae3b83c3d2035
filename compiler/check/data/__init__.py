"""The `data` statement: where samples come from, how they are read, parted, weighted and changed."""

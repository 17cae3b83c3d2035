"""The update rule: which one runs, its equations, its clip, its schedules, its attacks."""

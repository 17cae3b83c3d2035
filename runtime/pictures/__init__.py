"""Pictures of runs, drawn with matplotlib from what their folders hold."""

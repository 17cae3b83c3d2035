"""The longer story of every diagnostic code."""

"""What is proved of update rules: exact algebra, derived signs, inductions. No tests, no floating-point numbers."""

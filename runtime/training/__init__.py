"""Training from outside: states, stretches, reports, many runs."""

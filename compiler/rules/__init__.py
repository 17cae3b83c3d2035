"""What can be said of update rules: the same or not, cost, pitfalls, families, in text and LaTeX."""

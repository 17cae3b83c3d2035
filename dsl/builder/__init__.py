"""What the grammar recognised -> ast."""

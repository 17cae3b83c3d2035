"""spec -> ir."""

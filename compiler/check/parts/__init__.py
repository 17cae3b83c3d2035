"""What statements are made of: settings with their values and units, expressions, files."""

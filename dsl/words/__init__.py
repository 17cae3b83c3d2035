"""What people write from other tools and papers, and what is meant by it here."""

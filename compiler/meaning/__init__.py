"""What names and equations of a file mean: definitions, arguments, moments; the spec."""

"""What the user wrote: source text, diagnostics, ast, parser, formatter and the library in the language."""

"""What editors need: the language server, colours, a grammar for TextMate."""

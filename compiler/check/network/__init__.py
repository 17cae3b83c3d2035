"""The network: its operations, layers and blocks, their arguments, names and places."""

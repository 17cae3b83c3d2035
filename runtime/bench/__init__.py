"""How long an iteration takes, what of the machine it uses, and what PyTorch and JAX take for the same network."""

"""The loss and the objective: what they are of, and whether they go with the network."""

"""netc: a declarative language and compiler for small neural networks and their optimizers."""

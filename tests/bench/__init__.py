"""`make bench`: netc beside PyTorch and JAX on one core, after checking that they compute the same."""

"""What it means: checking, the typed ir, derivatives, simplification, loops and text of kernels. Never imports numba."""

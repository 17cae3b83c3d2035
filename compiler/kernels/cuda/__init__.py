"""The CUDA target: threads, blocks, grids."""

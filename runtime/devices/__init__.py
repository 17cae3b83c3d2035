"""What kernels stand on: SIMD vectors, mathematics, CUDA, loading of kernel text."""

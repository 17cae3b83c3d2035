"""Trained networks as source text of other languages: ir of one sample -> loops -> C or Fortran."""

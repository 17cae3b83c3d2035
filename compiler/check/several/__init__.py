"""Several trainings of one file: sweeps, phases, ensembles, a finder."""

"""How it runs: arrays, files, devices, random numbers, the training loop, results."""

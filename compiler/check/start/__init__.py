"""Where training starts: laws of weights and biases, explicit starts."""

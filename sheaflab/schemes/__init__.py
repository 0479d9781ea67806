"""What integrates the heat equation: the driver of time steps, Euler's schemes, and the exact one on its engines."""

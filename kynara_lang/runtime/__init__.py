"""The runtime decides: it reads a request, runs the compiled program and fails closed."""

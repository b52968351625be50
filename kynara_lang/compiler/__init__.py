"""How is it decided? The decision tree, built from a checked program, and Python code made from it."""

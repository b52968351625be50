"""The command line: the only floor that meets terminal and standard streams."""

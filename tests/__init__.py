"""The tests, a package of their own: some libraries install one of the same name, which would be found instead."""

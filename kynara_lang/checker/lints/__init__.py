"""One lint a file: its docstring is its page, VALID and INVALID are its tests; `linter` finds them here."""

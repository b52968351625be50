"""Runs the tests that policies hold, and says what these leave untried: coverage, and changes that nobody notices."""

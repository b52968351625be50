"""What can happen: conditions as solver terms, and the questions that are answered with them."""

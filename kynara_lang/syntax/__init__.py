"""Text to tree: the syntax tree, the parser, and walking over trees."""

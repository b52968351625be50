"""Is it meant? Names, types and rules of a program, checked; what is learnt goes into tables beside the tree."""

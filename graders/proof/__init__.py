"""Are the checks any good? Planted answers and mutants held against them."""

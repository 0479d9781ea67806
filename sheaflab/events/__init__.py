"""The first time at which a function falls below zero, certified: of sums of exponentials and of polynomials."""

"""The bank: right and wrong answers of every exercise, and the tools that hold the checks against them. Staff only."""

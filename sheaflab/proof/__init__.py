"""Proofs about finished runs, apart from the engines' code: :mod:`sheaflab.certificate` is their front."""

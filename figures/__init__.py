"""Thesis figures: one module a figure, found by folder.

A figure module holds ``FIGURE``, a :class:`figures.base.Figure`; ``figures.build`` finds it, computes
its arrays, draws it, and writes PNG, PDF, NPZ and CSV.
"""

"""Lesion by volume: what is inside, what is outside, and by how much."""

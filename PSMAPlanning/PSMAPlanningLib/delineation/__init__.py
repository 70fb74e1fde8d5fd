"""Avid regions, threshold rules and contours of single lesions."""

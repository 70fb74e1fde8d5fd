"""Radiotherapy volumes: what they are called and where they come from."""

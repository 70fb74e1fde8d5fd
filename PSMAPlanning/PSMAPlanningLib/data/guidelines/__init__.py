"""Contouring guidelines as data, one JSON file each; read with importlib.resources."""

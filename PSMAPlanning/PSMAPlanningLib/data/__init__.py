"""Tables read with importlib.resources."""

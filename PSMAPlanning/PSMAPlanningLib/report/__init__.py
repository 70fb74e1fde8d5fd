"""The result as JSON, CSV and HTML."""

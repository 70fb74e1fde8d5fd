"""The planning case as MRML nodes; with panel/ the only rooms that import slicer."""

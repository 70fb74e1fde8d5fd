"""The panel; the only room that imports qt, ctk or slicer.app."""

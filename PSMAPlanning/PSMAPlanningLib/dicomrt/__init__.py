"""DICOM radiotherapy objects: RTSTRUCT in and out."""

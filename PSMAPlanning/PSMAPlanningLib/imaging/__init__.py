"""Voxel grids, DICOM and file reading, SUV, the digital phantom."""

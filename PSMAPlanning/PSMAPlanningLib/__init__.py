"""PSMAPlanning: which PSMA-avid lesions would the standard radiotherapy volumes miss?

Research software, not a medical device.

Conventions, said once: world positions are RAS millimetres as 3D Slicer shows them; arrays are indexed
K, J, I (slice, row, column); volumes are millilitres; uptake is SUV normalised to body weight.
"""

from .version import VERSION as __version__

__all__ = ["__version__"]

"""Images as VTK holds them, made ahead of time on the thread that read them.

The voxels of a whole-body PET/CT take 0.1 s and more to be copied, which the interface would stand still for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

if TYPE_CHECKING:
    from vtk import vtkImageData

    from ..imaging.image import Image

_made: WeakKeyDictionary[Image, vtkImageData] = WeakKeyDictionary()


def prepare_image(image: Image) -> None:
    """Make the voxels an image will be shown by; may be called on another thread."""
    if image not in _made:
        _made[image] = _made_of(image)


def image_data(image: Image) -> Any:
    """A copy of the voxels as a vtkImageData without geometry; one made ahead of time is given out once."""
    return _made.pop(image, None) or _made_of(image)


def _made_of(image: Image) -> vtkImageData:
    from vtk import vtkImageData

    # VTK has no boolean and MRML no 64-bit integer images.
    array = image.array
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif array.dtype in (np.int64, np.uint64):
        array = array.astype(np.float64)
    data = vtkImageData()
    data.SetDimensions(*array.shape[::-1])
    data.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    return data

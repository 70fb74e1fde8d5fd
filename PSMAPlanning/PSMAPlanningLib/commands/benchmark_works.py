"""What psma-planning benchmark times: our side, the peer's side, and the ratio that is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from ..imaging.image_file import sitk_image
from ..imaging.phantom import PhantomParameters, make_phantom, write_dicom
from ..imaging.read import read_pet


@dataclass(frozen=True)
class Sides:
    """The two things that are timed; each does its whole work when called.

    ours: several things by name where the claim is about their median.
    quality: what each side made, by name, asked once when both have run; "met" says whether ours will do.
    """

    ours: Callable[[], object] | Mapping[str, Callable[[], object]]
    peer: Callable[[], object]
    quality: Callable[[], dict[str, float | bool]] | None = None


@dataclass(frozen=True)
class Work:
    """One speed claim.

    target: smallest accepted ratio of the peer's time to ours.
    peak_limit_bytes: most memory our side may take beyond its input, None where nothing is asked.
    """

    name: str
    peer: str
    target: float
    includes: str
    prepared: Callable[[], AbstractContextManager[Sides]]
    peak_limit_bytes: int | None = None


@contextmanager
def _phantom() -> Iterator[Sides]:
    phantom = make_phantom(PhantomParameters())
    images = [sitk_image(image.array, image.grid) for image in (phantom.ct, phantom.pet)]
    with tempfile.TemporaryDirectory() as folder:

        def write() -> None:
            for number, image in enumerate(images):
                sitk.WriteImage(image, str(Path(folder) / f"{number}.nrrd"), useCompression=False)

        yield Sides(lambda: make_phantom(PhantomParameters()), write)


@contextmanager
def _suv_series() -> Iterator[Sides]:
    with tempfile.TemporaryDirectory() as folder:
        files = write_dicom(make_phantom(PhantomParameters()), folder)["PT"]

        def pixels() -> None:
            np.stack([pydicom.dcmread(file).pixel_array for file in files])

        yield Sides(lambda: read_pet(files[0].parent), pixels)


WORKS = (
    Work(
        "phantom",
        "SimpleITK writing its CT and PET as uncompressed NRRD",
        0.1,
        "anatomy, CT, PET, truth; full size, from the seed",
        _phantom,
    ),
    Work(
        "suv",
        "pydicom reading the pixels of the same files",
        1 / 1.3,
        "finding the series, headers, pixels, geometry, SUV conversion",
        _suv_series,
    ),
)

"""The phantom as NRRD files, and its contours as an RTSTRUCT by a third party's writer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import InputError, MissingExtraError, OutputError
from ..grid import VoxelGrid
from ..image import Mask
from .phantom import Phantom

RTSTRUCT_ORGANS = {"Bladder": "urinary_bladder", "Rectum": "rectum", "PenileBulb": "penile_bulb"}


def write_nrrd(phantom: Phantom, folder: str | Path, compressed: bool = True) -> dict[str, Path]:
    """Write images and label maps as NRRD, and what the labels mean as truth.json.

    Files: pet, ct, planning_ct (when there is one), anatomy (tissue labels) and lesions (1, 2, ... in order)
    on the CT's grid, and one mask per standard volume.
    """
    folder = Path(folder)
    arrays: dict[str, tuple[np.ndarray, VoxelGrid]] = {
        "pet": (phantom.pet.array, phantom.pet.grid),
        "ct": (phantom.ct.array, phantom.ct.grid),
        "anatomy": (phantom.labels, phantom.ct.grid),
        "lesions": (_lesion_labels(phantom), phantom.ct.grid),
    }
    if phantom.planning_ct is not None:
        arrays["planning_ct"] = (phantom.planning_ct.array, phantom.planning_ct.grid)
    for name, mask in phantom.volumes.items():
        arrays[name] = (mask.array.astype(np.uint8), mask.grid)
    files = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (array, grid) in arrays.items():
            files[name] = folder / f"{name}.nrrd"
            sitk.WriteImage(_sitk_image(array, grid), str(files[name]), compressed)
        files["truth"] = folder / "truth.json"
        files["truth"].write_text(json.dumps(_truth(phantom), indent=1), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        raise OutputError(f"The phantom could not be written to {folder}; choose another folder.") from error
    return files


def write_rtstruct(phantom: Phantom, folder: str | Path) -> Path:
    """Write the standard volumes and three organs as an RTSTRUCT on the CT of `write_dicom`.

    Uses rt-utils (extra `test`), so that reading it back checks our reader against somebody else's writer.
    """
    try:
        from rt_utils import RTStructBuilder
    except ImportError as error:
        raise MissingExtraError(
            'Writing the RTSTRUCT needs rt-utils; install it with: pip install "psma-planning[test]".'
        ) from error
    series = Path(folder) / "CT"
    if not any(series.glob("*.dcm")):
        raise InputError(f"There is no CT series in {series}; call write_dicom for this folder first.")
    structure_set = RTStructBuilder.create_new(dicom_series_path=str(series))
    masks = dict(phantom.volumes) | {name: phantom.structure(own) for name, own in RTSTRUCT_ORGANS.items()}
    for name, mask in masks.items():
        structure_set.add_roi(mask=np.moveaxis(on_grid(mask, phantom.ct.grid).array, 0, -1), name=name)
    target = Path(folder) / "RTSTRUCT" / "rtstruct.dcm"
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(None):
        structure_set.save(str(target))
    return target


def on_grid(mask: Mask, grid: VoxelGrid) -> Mask:
    """A mask from a part of a grid, on the whole of it."""
    start = np.rint(grid.kji_of(mask.grid.ras_of(np.zeros(3)))).astype(int)
    array = np.zeros(grid.shape_kji, bool)
    array[tuple(slice(a, a + n) for a, n in zip(start, mask.array.shape, strict=True))] = mask.array
    return Mask(array, grid)


def _lesion_labels(phantom: Phantom) -> np.ndarray:
    labels = np.zeros(phantom.ct.grid.shape_kji, np.uint8)
    for number, lesion in enumerate(phantom.lesions, start=1):
        labels[phantom.lesion_mask(lesion.name).array] = number
    return labels


def _sitk_image(array: np.ndarray, grid: VoxelGrid) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_lps)
    image.SetDirection(grid.direction_lps.ravel())
    return image


def _truth(phantom: Phantom) -> dict:
    return {
        "seed": phantom.parameters.seed,
        "tracer": phantom.parameters.tracer,
        "tissues": dict(enumerate(phantom.tissue_names)),
        "lesions": [dataclasses.asdict(lesion) for lesion in phantom.lesions],
        "landmarks": phantom.landmarks,
        "planning_from_ct": phantom.planning_from_ct.tolist(),
    }

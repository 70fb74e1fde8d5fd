"""Compressed pixels: read where pydicom has a decoder, else one sentence with file, syntax and remedy."""

import numpy as np
import pytest
from PSMAPlanningLib.errors import DicomError
from PSMAPlanningLib.imaging import dicom_pixels
from PSMAPlanningLib.imaging.read import read_pet
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets, write_series

STORED = np.random.default_rng(4).integers(1, 4000, (4, 8, 9)).astype(np.uint16)


def write(folder, syntax, pixels=None):
    datasets = pet_datasets(STORED)
    for dataset in datasets:
        if pixels is not None:
            dataset.PixelData = encapsulate([pixels])
            dataset["PixelData"].is_undefined_length = True
        elif syntax != DeflatedExplicitVRLittleEndian:
            dataset.compress(syntax)
        dataset.file_meta.TransferSyntaxUID = syntax
    return write_series(datasets, folder)


@pytest.mark.parametrize(
    "syntax", [RLELossless, DeflatedExplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless]
)
def test_lossless_round_trip(tmp_path, syntax):
    if syntax in (JPEGLSLossless, JPEG2000Lossless):
        package = {JPEGLSLossless: "jpeg_ls", JPEG2000Lossless: "openjpeg"}[syntax]
        pytest.importorskip(
            package, reason=f"{package} is not installed, so pydicom cannot write {syntax.name}"
        )
        if not get_decoder(syntax).is_available:
            pytest.skip(f"pydicom has no decoder for {syntax.name} here")
    folder = write(tmp_path, syntax)
    np.testing.assert_allclose(read_pet(folder).image.array, STORED * BASE_FACTOR, rtol=1e-6)


class NoDecoder:
    """As pydicom describes a decoder whose packages are not installed."""

    is_available = False
    missing_dependencies = ("gdcm - requires gdcm>=3.0.10", "pylibjpeg - requires pylibjpeg>=2.0")


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
def test_a_syntax_without_decoder_names_file_syntax_and_remedy(tmp_path, syntax, monkeypatch):
    monkeypatch.setattr(dicom_pixels, "get_decoder", lambda _syntax: NoDecoder())
    folder = write(tmp_path, syntax, b"\xff\xd8no pixels\xff\xd9!")
    with pytest.raises(DicomError) as caught:
        read_pet(folder)
    sentence = str(caught.value)
    assert ".dcm" in sentence and syntax.name in sentence and str(syntax) in sentence
    assert "without compression" in sentence and "gdcm or pylibjpeg" in sentence and "\n" not in sentence


def test_damaged_compression_names_file_and_syntax(tmp_path):
    folder = write(tmp_path, RLELossless, b"\x01\x00\x00\x00 much too short")
    with pytest.raises(DicomError, match=r"slice\d{3}\.dcm.*RLE Lossless.*cannot be decoded"):
        read_pet(folder)


def test_a_syntax_that_nobody_knows(tmp_path):
    folder = write_series(pet_datasets(STORED), tmp_path)
    for path in folder.glob("*.dcm"):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    with pytest.raises(DicomError, match=r"slice\d{3}\.dcm"):
        read_pet(folder)

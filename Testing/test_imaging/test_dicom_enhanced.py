"""Enhanced multi-frame PET: every value found in its functional group, each against its closed form."""

import numpy as np
import pytest
from PSMAPlanningLib.errors import DicomError, PlanningError, SuvHeaderError, UnitsError
from PSMAPlanningLib.imaging.dicom_series import find_series
from PSMAPlanningLib.imaging.read import read_ct, read_pet
from pydicom.uid import RLELossless
from test_imaging.dicom_builder import BASE_FACTOR, write_series
from test_imaging.enhanced_builder import LEGACY_PET, enhanced_pet, item, mapping
from test_imaging.suv_cases import F18, factor

STORED = np.random.default_rng(2).integers(1, 60000, (5, 4, 6)).astype(np.uint16)
UNDECAYED = np.log(2) / F18 * 300 / (1 - np.exp(-np.log(2) / F18 * 300))


def read(folder, **changes):
    return read_pet(write_series([enhanced_pet(changes.pop("stored", STORED), **changes)], folder))


def test_frames_are_slices_with_their_own_place_and_slope(tmp_path):
    slopes = [0.5, 1.0, 2.0, 1e-4, 3.7]
    pet = read(tmp_path, slopes=slopes, order=[3, 0, 4, 1, 2])
    assert pet.image.grid.spacing_mm == pytest.approx((2.5, 1.5, 3.0))
    np.testing.assert_allclose(pet.image.grid.kji_of(np.array([0.0, 0.0, 6.0])), [2, 0, 0], atol=1e-9)
    expected = STORED * np.array(slopes)[:, None, None] * BASE_FACTOR
    np.testing.assert_allclose(pet.image.array, expected, rtol=1e-6)
    assert pet.suv.branch == "bqml_start_stated" and pet.suv.factor == pytest.approx(BASE_FACTOR, rel=1e-9)
    assert pet.suv.dose_bq == pytest.approx(368.08e6) and pet.suv.warnings == ()
    assert pet.suv.reference_time == "2025-01-01T11:00:00" and pet.suv.uptake_time_min == 60
    assert pet.suv.sources["reference_time"] == "header (0018,9701)"
    assert pet.suv.sources["units"] == "header (0040,08ea)"
    assert pet.patient.patient_id == "SYNTHETIC" and pet.suv.tracer == "PSMA-1007"


def test_the_stated_moment_wins_over_all_clocks_of_the_series(tmp_path):
    pet = read(tmp_path, DecayCorrectionDateTime="20250101105500", SeriesTime="103000")
    assert pet.suv.factor == pytest.approx(factor(3300), rel=1e-9)


def test_decayed_to_the_injection(tmp_path):
    pet = read(
        tmp_path,
        DecayCorrectionDateTime="20250101100000",
        per_frame=[{"FrameAcquisitionDateTime": "20250101170000"}] * 5,
    )
    assert pet.suv.branch == "bqml_admin" and pet.suv.factor == pytest.approx(factor(0), rel=1e-9)
    assert pet.suv.uptake_time_min == pytest.approx(420)


def test_frames_without_decay_correction_use_their_own_times(tmp_path):
    starts = ["110000", "110000", "110500", "110500", "111000"]
    pet = read(
        tmp_path,
        DecayCorrected="NO",
        DecayCorrectionDateTime=None,
        per_frame=[{"FrameAcquisitionDateTime": f"20250101{start}"} for start in starts],
    )
    seconds = (3600, 3600, 3900, 3900, 4200)
    assert pet.suv.factors == pytest.approx([factor(s) * UNDECAYED for s in seconds], rel=1e-9)
    assert pet.suv.branch == "bqml_none" and pet.suv.factor is None


@pytest.mark.parametrize(
    ("codes", "branch", "expected"),
    [
        (("{SUVbw}g/ml",), "gml_bw", 1.0),
        (("g/ml{SUVbw}",), "gml_bw", 1.0),
        (("Bq/ml", "{SUVbw}g/ml"), "gml_bw", 1.0),
        (("g/ml{SUVibw}",), "gml_ibw", 70 / ((48.0 + 1.06 * 23 + 45.5 + 0.91 * 23) / 2)),
        (("cm2/ml{SUVbsa}",), "cm2ml_bsa", 70e3 / (0.007184 * 70**0.425 * 175**0.725 * 1e4)),
    ],
)
def test_units_of_the_best_mapping(tmp_path, codes, branch, expected):
    pet = read(tmp_path, codes=codes)
    assert pet.suv.branch == branch
    np.testing.assert_allclose(pet.image.array, STORED * expected, rtol=1e-6)


@pytest.mark.parametrize(("code", "words"), [("{propcounts}", "PROPCNTS"), ("kBq/ml", "units of KBQ/ML")])
def test_other_units_are_refused(tmp_path, code, words):
    with pytest.raises(UnitsError, match=words):
        read(tmp_path, codes=(code,))


def test_a_dose_in_bq_is_taken_and_said(tmp_path):
    pet = read(tmp_path, tracer={"RadionuclideTotalDose": "368080000"})
    assert pet.suv.factor == pytest.approx(BASE_FACTOR, rel=1e-9)
    assert "taken as Bq" in pet.suv.warnings[0]


def test_what_is_missing_is_asked_for_by_its_enhanced_tag(tmp_path):
    with pytest.raises(SuvHeaderError, match=r"0010,1030.*0018,9701.*--reference-time"):
        read(tmp_path, DecayCorrectionDateTime=None, PatientWeight=None)
    with pytest.raises(UnitsError, match=r"do not include attenuation"):
        read(tmp_path / "nac", AttenuationCorrected="NO")


def test_units_by_rescale_type_without_a_mapping(tmp_path):
    dataset = enhanced_pet(STORED)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.RealWorldValueMappingSequence
        frame.PixelValueTransformationSequence = item(
            RescaleSlope="2.0", RescaleIntercept="0.0", RescaleType="BQML"
        )
    pet = read_pet(write_series([dataset], tmp_path))
    np.testing.assert_allclose(pet.image.array, STORED * 2.0 * BASE_FACTOR, rtol=1e-6)


def test_a_converted_classic_series_keeps_its_own_rules(tmp_path):
    dataset = enhanced_pet(STORED, SOPClassUID=LEGACY_PET, DecayCorrectionDateTime=None)
    for keyword in ("AttenuationCorrected", "ScatterCorrected"):
        delattr(dataset, keyword)
    dataset.SharedFunctionalGroupsSequence[0].UnassignedSharedConvertedAttributesSequence = item(
        Units="BQML", DecayCorrection="START", CorrectedImage=["DECY", "ATTN"], SeriesTime="105500"
    )
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.RealWorldValueMappingSequence
        frame.UnassignedPerFrameConvertedAttributesSequence = item(
            AcquisitionDate="20250101", AcquisitionTime="110000"
        )
    pet = read_pet(write_series([dataset], tmp_path))
    assert pet.suv.branch == "bqml_start_series_time"
    np.testing.assert_allclose(pet.image.array, STORED * 7.0 * factor(3300), rtol=1e-6)


def test_compressed_frames(tmp_path):
    dataset = enhanced_pet(STORED, order=[4, 3, 2, 1, 0])
    dataset.compress(RLELossless)
    pet = read_pet(write_series([dataset], tmp_path))
    np.testing.assert_allclose(pet.image.array, STORED * BASE_FACTOR, rtol=1e-6)


def test_an_enhanced_ct_has_its_rescale(tmp_path):
    dataset = enhanced_pet(STORED, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1")
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.PixelValueTransformationSequence[0].RescaleSlope = "1"
        frame.PixelValueTransformationSequence[0].RescaleIntercept = "-1024"
    np.testing.assert_array_equal(read_ct(write_series([dataset], tmp_path)).array, STORED - 1024.0)


REFUSED = {
    "several stacks": (
        {"per_frame": [{"StackID": str(k // 3)} for k in range(5)]},
        r"2 stacks of slices \(0020,9056\)",
    ),
    "several time points": (
        {"per_frame": [{"TemporalPositionIndex": 1 + k // 3} for k in range(5)]},
        r"2 time points \(0020,9128\)",
    ),
    "frames at one place": (
        {"positions": [(0, 0, 3 * (k // 2)) for k in range(5)]},
        r"frame 1 and .*frame 2",
    ),
    "too few frames described": ({"NumberOfFrames": 7}, "7 frames .* describes 5"),
    "no positions": ({"PerFrameFunctionalGroupsSequence": None}, "describes 0"),
    "no pixels": ({"PixelData": None}, r"7fe0,0010"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_one_volume_is_refused_by_name(tmp_path, name):
    changes, words = REFUSED[name]
    with pytest.raises(DicomError, match=rf"slice000\.dcm.*{words}|{words}") as caught:
        read(tmp_path, **dict(changes))
    assert "slice000.dcm" in str(caught.value) and "\n" not in str(caught.value)


def test_values_by_table_are_refused(tmp_path):
    dataset = enhanced_pet(STORED)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.RealWorldValueMappingSequence = [mapping("Bq/ml", None)]
    with pytest.raises(DicomError, match=r"table \(0040,9096\)"):
        read_pet(write_series([dataset], tmp_path))


def test_truncated_frames_are_named(tmp_path):
    path = write_series([enhanced_pet(STORED)], tmp_path) / "slice000.dcm"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DicomError, match=r"slice000\.dcm is cut short"):
        read_pet(tmp_path)


def test_damaged_functional_groups_raise_only_our_errors(tmp_path):
    path = write_series([enhanced_pet(STORED)], tmp_path) / "slice000.dcm"
    data = path.read_bytes()
    chance = np.random.default_rng(3)
    with np.errstate(all="ignore"):
        for start in chance.integers(400, len(data) - 300, 120):
            damaged = bytearray(data)
            damaged[start : start + 4] = chance.bytes(4)
            path.write_bytes(bytes(damaged))
            try:
                pet = read_pet(tmp_path)
            except PlanningError:
                continue
            assert np.isfinite(pet.image.array).all()


def test_each_frame_counts_as_a_slice(tmp_path):
    write_series([enhanced_pet(STORED)], tmp_path)
    assert [(s.modality, s.slice_count) for s in find_series(tmp_path)] == [("PT", 5)]

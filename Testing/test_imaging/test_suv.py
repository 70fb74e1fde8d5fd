"""SUV: every branch of the specification with its closed form, the published headers, and fuzz."""

import json
import math

import numpy as np
import pytest
from PSMAPlanningLib.errors import GridError, SuvHeaderError, UnitsError
from PSMAPlanningLib.imaging.suv import SuvConversion, apply, suv_conversion
from PSMAPlanningLib.imaging.suv_header import SliceHeader, SuvHeader, suv_header
from PSMAPlanningLib.imaging.suv_reference import average_decay_time_s
from PSMAPlanningLib.imaging.suv_tables import HALF_LIVES_S, body_surface_m2, lean_body_mass_kg
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets
from test_imaging.suv_cases import DOSE, F18, GE, LEAN, PHILIPS, converted, factor

UNDECAYED = math.log(2) / F18 * 300 / (1 - math.exp(-math.log(2) / F18 * 300))

BRANCHES = {
    "bqml start": ({}, BASE_FACTOR, "bqml_start_series_time"),
    "bqml admin": ({"DecayCorrection": "ADMIN"}, factor(0), "bqml_admin"),
    "bqml none": ({"DecayCorrection": "NONE"}, factor(3600) * UNDECAYED, "bqml_none"),
    "ga-68": (
        {"tracer": {"RadionuclideHalfLife": "4057.7"}, "nuclide": ("C-131A3", "68Ga")},
        factor(3600, 4057.7),
        "bqml_start_series_time",
    ),
    "half-life by code": (
        {"tracer": {"RadionuclideHalfLife": None}, "nuclide": ("C-131A3", "")},
        factor(3600, 4057.7),
        "bqml_start_series_time",
    ),
    "half-life by meaning": (
        {"tracer": {"RadionuclideHalfLife": None}, "nuclide": ("999", "^18^Fluorine")},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "dose in MBq": ({"tracer": {"RadionuclideTotalDose": "368.08"}}, BASE_FACTOR, "bqml_start_series_time"),
    "weight in grams": ({"PatientWeight": "70000"}, BASE_FACTOR, "bqml_start_series_time"),
    "time without datetime": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": None}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "datetime without time": (
        {"tracer": {"RadiopharmaceuticalStartTime": None}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "series before acquisition": (
        {"SeriesTime": "105500"},
        factor(3300),
        "bqml_start_series_time",
    ),
    "series after acquisition": (
        {"SeriesTime": "113000", "FrameReferenceTime": repr(1000 * average_decay_time_s(300, F18))},
        BASE_FACTOR,
        "bqml_start_back_computed",
    ),
    "ge private": (
        {"SeriesTime": "113000", "private": [(*GE, 0x0D, "DT", "20250101110000.00")]},
        BASE_FACTOR,
        "bqml_start_ge_private",
    ),
    "injection before midnight by time": (
        {
            "SeriesDate": "20250102",
            "AcquisitionDate": "20250102",
            "SeriesTime": "003000",
            "AcquisitionTime": "003000",
            "tracer": {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "233000"},
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "injection before midnight by datetime": (
        {
            "SeriesDate": "20250102",
            "AcquisitionDate": "20250102",
            "SeriesTime": "003000",
            "AcquisitionTime": "003000",
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101233000",
                "RadiopharmaceuticalStartTime": None,
            },
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "dates altered": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": "20231224100000"}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "time zones": (
        {
            "TimezoneOffsetFromUTC": "+0100",
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101090000+0000",
                "RadiopharmaceuticalStartTime": None,
            },
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "gml without type": ({"Units": "GML"}, 1.0, "gml_bw"),
    "gml bw": ({"Units": "GML", "SUVType": "BW"}, 1.0, "gml_bw"),
    **{
        f"gml {kind}": ({"Units": "GML", "SUVType": kind}, 70 / mass, f"gml_{kind.lower()}")
        for kind, mass in LEAN.items()
    },
    "height in cm": ({"Units": "GML", "SUVType": "IBW", "PatientSize": "175"}, 70 / LEAN["IBW"], "gml_ibw"),
    "cm2ml": (
        {"Units": "CM2ML", "SUVType": "BSA"},
        70e3 / (0.007184 * 70**0.425 * 175**0.725 * 1e4),
        "cm2ml_bsa",
    ),
    "cnts suv": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "0.000728"), (*PHILIPS, 0x09, "DS", "2.5")]},
        0.000728,
        "cnts_philips_suv",
    ),
    "cnts activity": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "0"), (*PHILIPS, 0x09, "DS", "2.5")]},
        2.5 * BASE_FACTOR,
        "cnts_philips_activity_start_series_time",
    ),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_every_branch_has_its_closed_form(name):
    changes, expected, branch = BRANCHES[name]
    conversion = converted(**dict(changes))
    assert conversion.branch == branch
    assert conversion.factors == pytest.approx([expected] * 3, rel=1e-9)
    assert conversion.factor == pytest.approx(expected, rel=1e-9)
    assert conversion.quantity == "SUVbw"


def cornerstone_header(instances):
    first = instances[0]
    slices = tuple(
        SliceHeader(
            each["AcquisitionDate"],
            each["AcquisitionTime"],
            each["FrameReferenceTime"],
            each["ActualFrameDuration"],
            philips_suv_factor=each["PhilipsPETPrivateGroup"].get("SUVScaleFactor"),
            philips_activity_factor=each["PhilipsPETPrivateGroup"].get("ActivityConcentrationScaleFactor"),
        )
        for each in instances
    )
    return SuvHeader(
        slices,
        units=first["Units"],
        corrected_image=tuple(first["CorrectedImage"]),
        decay_correction=first["DecayCorrection"],
        sex=first["PatientSex"],
        weight_kg=first["PatientWeight"],
        height_m=first.get("PatientSize"),
        series_date=first["SeriesDate"],
        series_time=first["SeriesTime"],
        injection_datetime=first.get("RadiopharmaceuticalStartDateTime"),
        injection_time=first.get("RadiopharmaceuticalStartTime"),
        dose_bq=first["RadionuclideTotalDose"],
        half_life_s=first["RadionuclideHalfLife"],
    )


@pytest.mark.parametrize(
    "name",
    [
        "PHILIPS_BQML",
        "PHILIPS_CNTS_AND_SUV",
        "SIEMENS",
        "GE_MEDICAL_AND_BQML",
        "BQML_AC_DT_lessThan_S_DT_SIEMENS",
    ],
)
def test_headers_of_real_series(shared_data, name):
    folder = shared_data("suv_headers_cornerstone")
    expected = json.loads((folder / "expected_suvbw.json").read_text())["suvbw_scale_factor"][name]
    header = cornerstone_header(json.loads((folder / f"{name}-instances.json").read_text()))
    conversion = suv_conversion(header)
    assert conversion.factors == pytest.approx([expected] * 3, rel=1e-6)


def test_slices_back_compute_their_own_reference():
    mean = 1000 * average_decay_time_s(300, F18)
    conversion = converted(
        SeriesTime="120000",
        per_slice={
            "AcquisitionTime": ["110000", "110500", "111000"],
            "FrameReferenceTime": [repr(mean), repr(mean + 300e3), repr(mean + 620e3)],
        },
    )
    assert conversion.factors == pytest.approx([factor(3600), factor(3600), factor(3580)], rel=1e-9)
    assert conversion.factor is None
    assert any("20.0 s apart" in warning for warning in conversion.warnings)


def test_contradicting_reference_times_are_refused():
    with pytest.raises(SuvHeaderError, match=r"600 s apart.*--reference-time"):
        converted(
            SeriesTime="120000",
            per_slice={"AcquisitionTime": ["110000", "110500", "111000"]},
        )


def test_beds_with_their_own_times_share_the_series_time():
    conversion = converted(SeriesTime="105900", per_slice={"AcquisitionTime": ["111000", "110500", "110000"]})
    assert conversion.factors == pytest.approx([factor(3540)] * 3, rel=1e-9)
    assert conversion.branch == "bqml_start_series_time" and conversion.uptake_time_min == 60


def test_the_tracer_by_its_code_alone():
    datasets = pet_datasets(tracer={"Radiopharmaceutical": None})
    for dataset in datasets:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "126758", "DCM", "PSMA-1007 F^18^"
        dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalCodeSequence = [code]
    conversion = suv_conversion(suv_header(datasets))
    assert conversion.tracer == "PSMA-1007 F^18^" and conversion.tracer_key == "psma_1007"
    assert conversion.sources["tracer"] == "header (0054,0304)"


def test_a_refusal_of_one_slice_names_its_file():
    datasets = pet_datasets(per_slice={"PatientWeight": ["70", "70", "71"]})
    with pytest.raises(SuvHeaderError, match=r"\(c\.dcm against a\.dcm\)"):
        suv_header(datasets, ["a.dcm", "b.dcm", "c.dcm"])
    datasets = pet_datasets()
    # As it lies in a file: bytes that nobody has looked at yet.
    datasets[1][0x00181242] = RawDataElement(Tag(0x00181242), "IS", 2, b"\xff\xfe", 0, False, True)
    with pytest.raises(SuvHeaderError, match=r"^b\.dcm: .*0018,1242"):
        suv_header(datasets, ["a.dcm", "b.dcm", "c.dcm"])


def test_undecayed_slices_use_their_own_acquisition():
    conversion = converted(
        DecayCorrection="NONE", per_slice={"AcquisitionTime": ["110000", "110500", "111000"]}
    )
    expected = [factor(s) * UNDECAYED for s in (3600, 3900, 4200)]
    assert conversion.factors == pytest.approx(expected, rel=1e-9)
    assert conversion.factor is None and conversion.to_document()["factor"] is None


def test_average_decay_time():
    assert average_decay_time_s(300, F18) == pytest.approx(149.605, abs=5e-4)
    assert average_decay_time_s(603, F18) == pytest.approx(299.906, abs=5e-4)


def test_body_measures():
    assert lean_body_mass_kg("LBM", 70, 1.75, "M") == pytest.approx(57.80)
    assert lean_body_mass_kg("LBMJAMES128", 70, 1.75, "M") == pytest.approx(56.52)
    assert lean_body_mass_kg("LBMJANMA", 70, 1.75, "M") == pytest.approx(55.857, abs=5e-4)
    assert lean_body_mass_kg("IBW", 70, 1.75, "M") == pytest.approx(72.38)
    assert lean_body_mass_kg("LBMJAMES128", 90, 1.80, "M") == pytest.approx(67.00)
    assert lean_body_mass_kg("LBMJANMA", 90, 1.80, "M") == pytest.approx(65.797, abs=5e-4)
    assert body_surface_m2(70, 1.75) == pytest.approx(1.84814, abs=5e-6)
    assert body_surface_m2(90, 1.80) == pytest.approx(2.09890, abs=5e-6)
    assert 2 ** (-3600 / HALF_LIVES_S["F-18"]) == pytest.approx(0.684633, abs=5e-7)
    assert 2 ** (-3600 / HALF_LIVES_S["Ga-68"]) == pytest.approx(0.540662, abs=5e-7)


REFUSED = {
    "proportional counts": ({"Units": "PROPCNTS"}, UnitsError, "PROPCNTS"),
    "proportional rate": ({"Units": "PROPCPS"}, UnitsError, "PROPCPS"),
    "attenuation map": ({"Units": "1CM"}, UnitsError, "1CM"),
    "counts without factor": ({"Units": "CNTS"}, UnitsError, r"7053,1000.*7053,1009"),
    "negative Philips factor": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "-1")]},
        SuvHeaderError,
        "7053,1000",
    ),
    "no attenuation correction": ({"CorrectedImage": ["DECY", "SCAT"]}, UnitsError, "0028,0051"),
    "no list of corrections": ({"CorrectedImage": None}, UnitsError, "0028,0051"),
    "gml by surface": ({"Units": "GML", "SUVType": "BSA"}, UnitsError, "0054,1006"),
    "surface by weight": ({"Units": "CM2ML", "SUVType": "BW"}, UnitsError, "0054,1006"),
    "lean without sex": ({"Units": "GML", "SUVType": "LBM", "PatientSex": None}, SuvHeaderError, "0010,0040"),
    "lean without height": (
        {"Units": "GML", "SUVType": "LBM", "PatientSize": None},
        SuvHeaderError,
        r"0010,1020.*--height-m",
    ),
    "intercept": ({"RescaleIntercept": "5"}, UnitsError, "0028,1052"),
    "zero dose": ({"tracer": {"RadionuclideTotalDose": "0"}}, SuvHeaderError, r"0018,1074.*--dose-bq"),
    "negative dose": ({"tracer": {"RadionuclideTotalDose": "-3e8"}}, SuvHeaderError, r"0018,1074"),
    "dose in GBq": ({"tracer": {"RadionuclideTotalDose": "0.368"}}, SuvHeaderError, r"0018,1074"),
    "dose not finite": ({"tracer": {"RadionuclideTotalDose": "NaN"}}, SuvHeaderError, r"0018,1074"),
    "no weight": ({"PatientWeight": None}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight zero": ({"PatientWeight": "0"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight negative": ({"PatientWeight": "-70"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight 700 kg": ({"PatientWeight": "700"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "half-life zero": (
        {"tracer": {"RadionuclideHalfLife": "0"}},
        SuvHeaderError,
        r"0018,1075.*--half-life-s",
    ),
    "half-life in minutes": ({"tracer": {"RadionuclideHalfLife": "109.77"}}, SuvHeaderError, r"0018,1075"),
    "half-life of another nuclide": (
        {"nuclide": ("C-131A3", "68Ga")},
        SuvHeaderError,
        r"Ga-68.*0018,1075.*--half-life-s",
    ),
    "injection after the scan": (
        {
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101113000",
                "RadiopharmaceuticalStartTime": None,
            }
        },
        SuvHeaderError,
        r"0018,1078.*--injection-time",
    ),
    "injection after the scan by time": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "113000"}},
        SuvHeaderError,
        r"0018,1072.*--injection-time",
    ),
    "unknown decay correction": ({"DecayCorrection": "MAYBE"}, SuvHeaderError, r"0054,1102.*--decay"),
    "time that is none": ({"AcquisitionTime": "9999"}, SuvHeaderError, "0008,0032"),
    "date that is none": ({"SeriesDate": "20251340"}, SuvHeaderError, "0008,0021"),
    "frame of no length": (
        {"DecayCorrection": "NONE", "ActualFrameDuration": "0"},
        SuvHeaderError,
        "0018,1242",
    ),
    "no reference time": (
        {"SeriesTime": "113000", "FrameReferenceTime": None},
        SuvHeaderError,
        r"0054,1300.*--reference-time",
    ),
    "dose of two kinds": (
        {"per_slice": {"PatientWeight": ["70", "70", "71"]}},
        SuvHeaderError,
        r"0010,1030.*differs",
    ),
    "private value of the wrong type": (
        {"private": [(*GE, 0x0D, "DT", "yesterday")]},
        SuvHeaderError,
        r"0009,100d",
    ),
    "private number of the wrong type": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "UN", b"\xff\xfe")]},
        SuvHeaderError,
        r"7053,1000",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_by_name(name):
    changes, error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        converted(**dict(changes))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_document_is_json_and_complete():
    document = converted().to_document()
    assert json.loads(json.dumps(document)) == document
    assert document["factor"] == pytest.approx(BASE_FACTOR)
    assert document["injection_time"] == "2025-01-01T10:00:00"
    assert document["reference_time"] == "2025-01-01T11:00:00"
    assert document["uptake_time_min"] == 60 and document["half_life_s"] == F18
    assert document["dose_bq"] == DOSE and document["weight_kg"] == 70 and document["tracer"] == "PSMA-1007"
    assert document["units_in"] == "BQML" and document["decay_correction"] == "START"
    assert document["warnings"] == []


def test_apply_is_per_slice_and_float32():
    conversion = SuvConversion("BQML", (1.0, 0.5, 0.25), "test")
    suv = apply(conversion, np.ones((3, 2, 2), dtype=np.float32))
    assert suv.dtype == np.float32 and suv[:, 0, 0].tolist() == [1.0, 0.5, 0.25]
    with pytest.raises(GridError, match="3 slices"):
        apply(conversion, np.ones((2, 2, 2), dtype=np.float32))


@pytest.mark.parametrize("factors", [(), (0.0,), (-1.0,), (math.nan,), (math.inf,)])
def test_a_conversion_is_positive_and_finite(factors):
    with pytest.raises(SuvHeaderError):
        SuvConversion("BQML", factors, "test")

"""SUV with values entered by the user: what is missing is asked for, what was entered is on record."""

import math

import pytest
from PSMAPlanningLib.errors import SuvHeaderError, UnitsError
from PSMAPlanningLib.imaging.suv import suv_conversion
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from test_imaging.dicom_builder import BASE_FACTOR
from test_imaging.suv_cases import DOSE, EMPTY, F18, GE, LEAN, converted, factor

OPTIONS = (
    "--units",
    "--weight-kg",
    "--dose-bq",
    "--injection-time",
    "--half-life-s",
    "--decay",
    "--reference-time",
)


def test_everything_missing_is_named_at_once():
    with pytest.raises(UnitsError) as caught:
        suv_conversion(EMPTY)
    assert all(option in str(caught.value) for option in OPTIONS)


ALL_ENTERED = EnteredValues(
    weight_kg=70,
    dose_bq=DOSE,
    injection_time="10:00:00",
    half_life_s=F18,
    decay_correction="START",
    reference_time="11:00",
    units="Bq/ml",
    tracer="PSMA-11",
)


def test_everything_entered():
    conversion = suv_conversion(EMPTY, ALL_ENTERED)
    assert conversion.factor == pytest.approx(BASE_FACTOR, rel=1e-9)
    assert set(conversion.sources.values()) == {"entered by the user"}
    assert conversion.injection_time == "10:00:00" and conversion.reference_time == "11:00:00"
    assert conversion.uptake_time_min == pytest.approx(60)
    assert conversion.tracer == "PSMA-11"


@pytest.mark.parametrize(
    ("injection", "reference", "seconds"),
    [
        ("2025-01-01T10:00:00", "2025-01-01T11:00:00", 3600),
        ("2025-01-01T10:00:00", "11:00", 3600),
        ("10:00", "2025-01-01T11:00:00", 3600),
        ("23:30", "00:30", 3600),
        ("20250101100000", "20250101113000.5", 5400.5),
    ],
)
def test_entered_times(injection, reference, seconds):
    entered = EnteredValues(
        weight_kg=70,
        dose_bq=DOSE,
        injection_time=injection,
        half_life_s=F18,
        decay_correction="START",
        reference_time=reference,
        units="Bq/ml",
    )
    assert suv_conversion(EMPTY, entered).factor == pytest.approx(factor(seconds), rel=1e-9)


def test_entered_values_win_and_are_said():
    conversion = converted(EnteredValues(weight_kg=80, injection_time="09:30:00"))
    assert conversion.factor == pytest.approx(factor(5400) * 80 / 70, rel=1e-9)
    assert conversion.sources["weight_kg"] == conversion.sources["injection_time"] == "entered by the user"
    assert conversion.sources["dose_bq"] == "header (0018,1074)"
    assert any("80" in warning and "70" in warning for warning in conversion.warnings)


def test_entered_injection_after_the_scan_is_refused():
    with pytest.raises(SuvHeaderError, match="--injection-time"):
        converted(EnteredValues(injection_time="2025-01-01T11:00:01"))


@pytest.mark.parametrize(("stated", "entered"), [("BQML", "SUVbw"), ("GML", "Bq/ml"), ("CM2ML", "SUVbw")])
def test_entered_units_do_not_override_the_header(stated, entered):
    with pytest.raises(UnitsError, match="--units"):
        converted(EnteredValues(units=entered), Units=stated)


@pytest.mark.parametrize(
    "values",
    [
        {"weight_kg": 0},
        {"weight_kg": 70000},
        {"dose_bq": 368.08},
        {"dose_bq": math.nan},
        {"half_life_s": -1},
        {"half_life_s": "long"},
        {"decay_correction": "maybe"},
        {"units": "kBq"},
        {"injection_time": "noon"},
        {"reference_time": 11},
        {"height_m": 175},
    ],
)
def test_entered_values_that_cannot_be(values):
    with pytest.raises((SuvHeaderError, UnitsError), match="--"):
        EnteredValues(**values)


def test_the_gml_audit_does_not_fail_on_times_it_does_not_use():
    conversion = converted(Units="GML", tracer={"RadiopharmaceuticalStartDateTime": "20250101113000"})
    assert conversion.factor == 1.0 and conversion.uptake_time_min is None
    assert any("uptake time is not known" in warning for warning in conversion.warnings)


def test_entered_values_that_change_nothing_are_said():
    conversion = converted(EnteredValues(weight_kg=80, dose_bq=3e8), Units="GML")
    assert conversion.factor == 1.0
    assert any("change no number: dose_bq, weight_kg" in warning for warning in conversion.warnings)
    lean = converted(EnteredValues(weight_kg=80), Units="GML", SUVType="IBW")
    assert lean.factor == pytest.approx(80 / LEAN["IBW"])
    assert not any("change no number" in warning for warning in lean.warnings)


def test_a_reference_time_far_from_the_scan_is_refused():
    """Beds across midnight without an acquisition date would otherwise gain a day of decay."""
    with pytest.raises(SuvHeaderError, match=r"hours from the start.*--reference-time"):
        converted(
            AcquisitionDate=None,
            private=[(*GE, 0x0D, "DT", "20250101235000")],
            per_slice={"AcquisitionTime": ["235000", "235500", "001000"]},
            tracer={
                "RadiopharmaceuticalStartDateTime": "20250101225000",
                "RadiopharmaceuticalStartTime": None,
            },
        )

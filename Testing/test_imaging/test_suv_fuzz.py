"""SUV from anything a header can hold: a positive number, or one plain error."""

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.errors import PlanningError
from PSMAPlanningLib.imaging.suv import suv_conversion
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from PSMAPlanningLib.imaging.suv_header import SliceHeader, SuvHeader
from test_imaging.suv_cases import DOSE, EMPTY

CLOCK = st.one_of(
    st.none(),
    st.sampled_from(["100000", "110000", "110000.5"]),
    st.from_regex(r"[0-2][0-9][0-5][0-9][0-5][0-9](\.[0-9]{1,6})?", fullmatch=True),
    st.text(max_size=8),
)
DAY = st.one_of(
    st.none(),
    st.sampled_from(["20250101", "20250102", "20231231", "00010101", "99991231"]),
    st.text(max_size=9),
)
NUMBER = st.one_of(
    st.none(),
    st.sampled_from([150000.0, 300000.0]),
    st.floats(),
    st.floats(1, 1e9),
    st.integers(-10, 10**12),
    st.sampled_from(["", "x", "368.08"]),
)
SLICES = st.lists(
    st.builds(
        dict,
        acquisition_date=DAY,
        acquisition_time=CLOCK,
        frame_reference_time_ms=NUMBER,
        frame_duration_ms=NUMBER,
        rescale_intercept=st.sampled_from([None, 0.0, 0.0, 1.0]),
        philips_suv_factor=NUMBER,
        philips_activity_factor=NUMBER,
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(
    slices=SLICES,
    values=st.fixed_dictionaries(
        {
            "units": st.sampled_from([None, "BQML", "BQML", "BQML", "GML", "CM2ML", "CNTS", "PROPCPS", "?"]),
            "suv_type": st.sampled_from([None, "BW", "LBM", "LBMJANMA", "IBW", "BSA"]),
            "decay_correction": st.sampled_from([None, "START", "START", "ADMIN", "NONE", "x"]),
            "sex": st.sampled_from([None, "M", "F", "O", "?"]),
            "weight_kg": st.one_of(st.just(70.0), NUMBER),
            "height_m": st.one_of(st.just(1.75), NUMBER),
            "series_date": DAY,
            "series_time": CLOCK,
            "timezone_offset": st.sampled_from([None, "+0100", "-1400", "x"]),
            "ge_reference_datetime": st.one_of(st.none(), st.just("20250101110000.0"), st.text(max_size=20)),
            "injection_datetime": st.one_of(st.none(), st.just("20250101100000+0200"), st.text(max_size=20)),
            "injection_time": CLOCK,
            "dose_bq": st.one_of(st.just(3e8), NUMBER),
            "half_life_s": st.one_of(st.just(6586.2), NUMBER),
            "reference_datetime": st.one_of(st.none(), st.just("20250101110000.0"), st.text(max_size=20)),
            "is_enhanced": st.booleans(),
            "tracer": st.one_of(st.none(), st.just("PSMA-1007"), st.text(max_size=20)),
            "tracer_code": st.sampled_from([None, "DCM:126758", "x"]),
            "nuclide_code": st.sampled_from([None, "C-111A1", "C-131A3", "C-168A4"]),
        }
    ),
    suv_type=st.sampled_from(["bw", "bw", "lbm", "lbm_janma", "ibw", "bsa"]),
)
def test_fuzz_only_our_errors_and_never_a_bad_factor(slices, values, suv_type):
    try:
        header = SuvHeader(tuple(SliceHeader(**each) for each in slices), corrected_image=("ATTN",), **values)
        conversion = suv_conversion(header, EnteredValues(suv_type=suv_type))
    except PlanningError:
        return
    assert all(math.isfinite(f) and f > 0 for f in conversion.factors)
    json.dumps(conversion.to_document(), allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(
    injection=CLOCK.filter(lambda text: text is not None),
    reference=CLOCK.filter(lambda text: text is not None),
    half_life=st.floats(1.0, 1e9),
    decay=st.sampled_from(["START", "ADMIN", "NONE"]),
)
def test_fuzz_of_entered_values(injection, reference, half_life, decay):
    try:
        entered = EnteredValues(70, None, DOSE, injection, half_life, decay, reference, None, "Bq/ml")
        conversion = suv_conversion(EMPTY, entered)
    except PlanningError:
        return
    assert all(math.isfinite(f) and f > 0 for f in conversion.factors)

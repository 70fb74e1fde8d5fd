"""The four sarcomas by every rule: the table is whole, and one tumour is drawn as the experts did."""

import pytest
from PSMAPlanningLib.delineation.rules import RULES
from sts_rule_table import CASES, CONSENSUS, rows, table


@pytest.mark.slow
def test_table_of_the_sarcomas(shared_data):
    data = shared_data("ibsi_sts_petct").parent
    shared_data("sts001_ge_wholebody_pet")
    found = list(rows(data))
    text = table(found)
    print(text)
    assert all(f"| {name} |" in text for name in (*RULES, CONSENSUS))
    assert len(found) == (len(RULES) + 1) * len(CASES)
    best = max((row for row in found if row.case == "STS_003"), key=lambda row: row.dice)
    assert best.dice > 0.8
    assert best.distance_mm < 3
    # Rules that draw their contour themselves stop at hot spots of uneven tumours, and it is said.
    collapsed = {(row.case, row.rule) for row in found if "collapsed" in row.flags}
    assert collapsed == {
        ("STS_001", "gradient"),
        ("STS_001", "random_walker"),
        ("STS_019", "gradient"),
    }
    # The published spread on sarcomas: percentages of SUVmax draw too little, a fixed SUV and 15 % of the
    # mean above 70 % (nestle) come nearer to the experts' volume.
    for case in CASES:
        volume = {row.rule: row.volume_ml for row in found if row.case == case}
        assert volume["a50"] < volume["percent_max"] < volume["nestle"]

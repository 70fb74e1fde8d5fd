"""The four sarcomas by every rule: the table is whole, and one tumour is drawn as the experts did."""

import pytest
from PSMAPlanningLib.delineation.rules import RULES
from sts_rule_table import CASES, rows, table


@pytest.mark.slow
def test_table_of_the_sarcomas(shared_data):
    data = shared_data("ibsi_sts_petct").parent
    shared_data("sts001_ge_wholebody_pet")
    found = list(rows(data))
    print(table(found))
    assert len(found) == len(RULES) * len(CASES)
    best = max((row for row in found if row.case == "STS_003"), key=lambda row: row.dice)
    assert best.dice > 0.8
    assert best.distance_mm < 3

"""psma-planning rules: every rule with formula, parameters and source, and which were not verified."""

import json

import pytest
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import rules
from PSMAPlanningLib.delineation.rules import RULES
from PSMAPlanningLib.errors import RuleError
from test_commands.command_call import call


def test_every_rule_is_listed():
    document, text = call(rules)
    assert [rule["name"] for rule in document] == list(RULES)
    for rule in document:
        assert rule["formula"] in " ".join(text.split())
        assert rule["citation"]
        assert isinstance(rule["verified"], bool)
        for parameter in rule["parameters"]:
            assert parameter["smallest"] <= parameter["default"] <= parameter["largest"]
        assert {p["default"] for p in rule["measured"]} <= {None}
    assert text.count("NOT VERIFIED") == sum(not rule.verified for rule in RULES.values())


def test_one_family():
    document, _ = call(rules, "--family", "liver")
    assert {rule["name"] for rule in document} == {
        "percist",
        "liver_mean_percent",
        "liver_max",
        "qpsma",
    }
    with pytest.raises(RuleError, match="'nonsense'"):
        call(rules, "--family", "nonsense")


def test_the_contract_prints_a_list(capsys):
    assert main(["rules", "--json"]) == 0
    assert [rule["name"] for rule in json.loads(capsys.readouterr().out)] == list(RULES)

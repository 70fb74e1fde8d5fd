"""psma-planning rules: every delineation rule with formula, parameters, citation, verified or not."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from ..delineation.rules import RULES, Parameter, Rule
from ..errors import RuleError
from ..progress import Progress

NAME = "rules"
HELP = "List the delineation rules with formula, parameters and source."
_WIDTH = 110


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--family", help="only the rules of one family, such as relative")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[list[dict[str, Any]], str]:
    shown = [rule for rule in RULES.values() if arguments.family in (None, rule.family)]
    if not shown:
        families = ", ".join(sorted({rule.family for rule in RULES.values()}))
        raise RuleError(f"No rule is of the family {arguments.family!r}; the families are {families}.")
    progress(1.0, "done")
    return [_document(rule) for rule in shown], "\n\n".join(map(_text, shown))


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "family": rule.family,
        "formula": rule.formula,
        "parameters": [_parameter(parameter) for parameter in rule.parameters],
        "measured": [_parameter(parameter) for parameter in rule.measured],
        "needs": list(rule.needs),
        "per_lesion": rule.per_lesion,
        "citation": rule.citation,
        "verified": rule.verified,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "unit": parameter.unit or None,
        "default": parameter.default,
        "smallest": parameter.smallest,
        "largest": parameter.largest,
    }


def _text(rule: Rule) -> str:
    mark = "verified" if rule.verified else "NOT VERIFIED"
    lines = [f"{rule.name}  ({rule.family}, {mark})", rule.formula]
    lines += [
        f"--set {p.name}=  default {p.default:g} {p.unit}".rstrip() + f", {p.smallest:g} to {p.largest:g}"
        for p in rule.parameters
    ]
    lines += [f"--set {p.name}=  measured unless given, {p.unit}" for p in rule.measured]
    lines.append(f"Source: {rule.citation}")
    return "\n".join(
        [
            lines[0],
            *(
                textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="    ")
                for line in lines[1:]
            ),
        ]
    )

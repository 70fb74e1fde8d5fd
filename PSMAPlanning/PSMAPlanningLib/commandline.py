"""psma-planning: the same functions the panel uses, for batch work and scripts.

Exit status: 0 done, 2 the input or the arguments are wrong, 3 cancelled.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from .commands import (
    agreement,
    benchmark,
    boost,
    consensus,
    coverage,
    delineate,
    demo,
    dose,
    margin,
    regions,
    rtstruct,
    rules,
    run,
    suv,
    volumes,
)
from .errors import CancelledError, PlanningError
from .version import VERSION

COMMANDS = (
    demo,
    run,
    suv,
    regions,
    delineate,
    rules,
    consensus,
    agreement,
    margin,
    boost,
    coverage,
    rtstruct,
    volumes,
    dose,
    benchmark,
)
"""Each has NAME, HELP, `add_arguments(parser)` and `execute(arguments, progress) -> (document, text)`."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    whole = _Parser(
        prog="psma-planning",
        description="Which PSMA-avid lesions would the standard radiotherapy volumes miss? "
        "Research software, not a medical device.",
    )
    whole.add_argument("--version", action="version", version=f"psma-planning {VERSION}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON document on standard output")
        sub.set_defaults(execute=command.execute)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        document, text = arguments.execute(arguments, _progress_bar if sys.stderr.isatty() else _silent)
    except CancelledError as error:
        return _fail(str(error), 3)
    except KeyboardInterrupt:
        return _fail("Cancelled; nothing was written.", 3)
    except PlanningError as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or 'A file'}: {error.strerror or error}.", 2)
    _print_result(document, text, arguments.json)
    return 0


def _print_result(document: dict[str, Any] | list[Any], text: str, as_json: bool) -> None:
    for warning in document.get("warnings", ()) if isinstance(document, dict) else ():
        print(f"warning: {warning}", file=sys.stderr)
    print(json.dumps(document, indent=2, allow_nan=False) if as_json else text)


def _fail(sentence: str, status: int) -> int:
    print(f"psma-planning: {sentence}", file=sys.stderr)
    return status


def _silent(_fraction: float, _doing: str) -> None:
    return None


def _progress_bar(fraction: float, doing: str) -> None:
    width = 30
    done = round(width * fraction)
    end = "\n" if fraction >= 1 else ""
    print(f"\r[{'#' * done}{'.' * (width - done)}] {doing:<40.40}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""A command called as the command line calls it, without the command line."""

import argparse
import json


def call(command, *arguments):
    """The command's document (checked to be JSON) and text."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    document, text = command.execute(parser.parse_args([str(a) for a in arguments]), lambda _f, _d: None)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    return document, text

"""Modal dialogs answer by themselves: a test must never wait for a click that nobody makes."""

from __future__ import annotations

from PySide6 import QtWidgets


class Answers:
    """What the next dialogs return, in order, and what all of them said.

    A test appends to `waiting` before it presses a button: a value, or a function that is given the dialog,
    fills it in and returns the value. A dialog that nobody expected raises, unless it only informs.
    """

    def __init__(self):
        self.waiting = []
        self.shown = []

    def take(self, kind, words, dialog=None, default=None):
        self.shown.append((kind, words))
        if self.waiting:
            answer = self.waiting.pop(0)
            return answer(dialog) if callable(answer) else answer
        if default is None:
            raise AssertionError(f"A dialog opened that the test did not expect: {kind}: {words}")
        return default


def answering(answers):
    """What has to be replaced so that no dialog blocks: owner, name and replacement."""
    # PythonQt hands out C++ bool* arguments apart; these functions return the bare value, as there.
    for name in ("getText", "getMultiLineText", "getItem", "getInt", "getDouble"):
        yield QtWidgets.QInputDialog, name, staticmethod(_asking(answers, f"QInputDialog.{name}"))
    for name in ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        yield QtWidgets.QFileDialog, name, staticmethod(_asking(answers, f"QFileDialog.{name}"))
    for name in ("information", "warning", "critical"):
        ok = QtWidgets.QMessageBox.StandardButton.Ok
        yield QtWidgets.QMessageBox, name, staticmethod(_asking(answers, f"QMessageBox.{name}", ok))
    yield QtWidgets.QMessageBox, "question", staticmethod(_asking(answers, "QMessageBox.question"))
    for kind in (QtWidgets.QDialog, QtWidgets.QMessageBox, QtWidgets.QMenu):
        for name in ("exec", "exec_"):
            yield kind, name, lambda dialog, *_place: _run(answers, dialog)


def _asking(answers, kind, default=None):
    return lambda _parent=None, *words, **_more: answers.take(kind, words, default=default)


def _run(answers, dialog):
    if isinstance(dialog, QtWidgets.QMessageBox):
        buttons = dialog.standardButtons
        ok = QtWidgets.QMessageBox.StandardButton.Ok
        return answers.take("QMessageBox", dialog.text, dialog, default=ok if buttons in (ok, 0) else None)
    return answers.take(type(dialog).__name__, dialog.windowTitle, dialog)

"""The widgets of CTK that the panel uses."""

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, QRect, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QSlider,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

_STEPS = 1000


def remembered(kind, default, names):
    """Qt properties that are only remembered, by name; for `vars().update` in the body of a class."""

    def make(name):
        def write(self, value):
            self.__dict__[f"_{name}"] = value

        return Property(kind, lambda self: self.__dict__.get(f"_{name}", default), write)

    return {name: make(name) for name in names.split()}


def forwarded(kind, part, names):
    """Qt properties that are those of a part of the widget; for `vars().update` in the body of a class."""

    def make(name):
        def write(self, value):
            setattr(getattr(self, part), name, value)

        return Property(kind, lambda self: getattr(getattr(self, part), name), write)

    return {name: make(name) for name in names.split()}


def with_setters(widget_class):
    """Adds `setFlat` for `flat` and so on, as every property of a C++ widget has them."""
    for name, member in list(vars(widget_class).items()):
        setter = f"set{name[0].upper()}{name[1:]}"
        if isinstance(member, Property) and not hasattr(widget_class, setter):
            setattr(widget_class, setter, lambda self, value, name=name: self.setProperty(name, value))
    return widget_class


def in_one_row(widget, *parts):
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        layout.addWidget(part)


class Collapsing:
    """Hides its children while it is closed, and remembers which of them somebody else had hidden."""

    _is_ours = False

    def show_children(self):
        for child in self.children():
            if isinstance(child, QWidget):
                self._show(child)

    def _show(self, child):
        self._is_ours = True
        child.setVisible(self.isChecked() and child.property("visibilityToParent") is not False)
        # Else Qt would not tell when somebody hides what the section hides already.
        child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self._is_ours = False

    def childEvent(self, event):
        child = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(child, QWidget):
            child.installEventFilter(self)
            if child.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide):
                child.setProperty("visibilityToParent", not child.isHidden())
            self._show(child)

    def eventFilter(self, child, event):
        kind = event.type()
        if not self._is_ours and kind in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            child.setProperty("visibilityToParent", kind == QEvent.Type.ShowToParent)
            self._show(child)
        return False


@with_setters
class ctkCollapsibleButton(Collapsing, QAbstractButton):
    """A section with a heading that opens and closes it; closed, it hides its children as CTK does."""

    contentsCollapsed = Signal(bool)
    collapsed = Property(
        bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value)
    )

    def __init__(self, parent=None):
        super().__init__(parent)
        self._heading = self.fontMetrics().height() + 10
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, self._heading, 0, 0)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, opened):
        self.show_children()
        self.contentsCollapsed.emit(not opened)

    def hitButton(self, position):
        return position.y() < self._heading

    def paintEvent(self, _event):
        painter, option = QStylePainter(self), QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width, self._heading)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        name = option.rect.adjusted(self._heading, 0, 0, 0)
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, self.text)
        option.rect = QRect(5, 5, self._heading - 10, self._heading - 10)
        arrows = QStyle.PrimitiveElement
        arrow = arrows.PE_IndicatorArrowDown if self.isChecked() else arrows.PE_IndicatorArrowRight
        painter.drawPrimitive(arrow, option)


@with_setters
class ctkCollapsibleGroupBox(Collapsing, QGroupBox):
    """A group whose heading opens and closes it."""

    vars().update(remembered(int, 14, "collapsedHeight"))
    collapsed = Property(
        bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value)
    )

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setCheckable(True)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, opened):
        self.show_children()
        self.setMaximumHeight(16777215 if opened else self.fontMetrics().height() + 6)


@with_setters
class ctkSliderWidget(QWidget):
    """A slider and a spin box side by side; the spin box holds the value.

    Without tracking a drag tells valueIsChanging until it is released.
    """

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    vars().update(forwarded(float, "_box", "value minimum maximum singleStep"))
    vars().update(forwarded(int, "_box", "decimals"))
    vars().update(forwarded(str, "_box", "suffix prefix"))
    vars().update(remembered(float, 10.0, "pageStep"), **remembered(bool, True, "tracking"))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box, self._slider = QDoubleSpinBox(self), QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, _STEPS)
        in_one_row(self, self._slider, self._box)
        self._box.valueChanged.connect(self._on_value)
        self._slider.sliderMoved.connect(self._on_moved)
        self._slider.sliderReleased.connect(self._on_released)

    def _on_value(self, value):
        span = max(self._box.maximum - self._box.minimum, 1e-9)
        self._slider.setValue(round(_STEPS * (value - self._box.minimum) / span))
        self.valueChanged.emit(value)

    def drag(self, value):
        """What a person does with the mouse; for tests."""
        span = self._box.maximum - self._box.minimum
        self._on_moved(_STEPS * (value - self._box.minimum) / span)

    def let_go(self):
        self._on_released()

    def _on_moved(self, position):
        span = self._box.maximum - self._box.minimum
        value = self._box.minimum + span * position / _STEPS
        if self.tracking:
            self._box.setValue(value)
            return
        self._box.blockSignals(True)
        self._box.setValue(value)
        self._box.blockSignals(False)
        self.valueIsChanging.emit(self._box.value)

    def _on_released(self):
        if not self.tracking:
            self.valueChanged.emit(self._box.value)


@with_setters
class ctkPathLineEdit(QWidget):
    """A line for a path, and a button that would open a file dialog."""

    currentPathChanged = Signal(str)
    currentPath = Property(str, lambda self: self._line.text, lambda self, path: self._line.setText(path))
    vars().update(remembered("QStringList", [], "nameFilters"), **remembered(str, "", "settingKey"))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._line, browse = QLineEdit(self), QToolButton(self)
        browse.setText("...")
        in_one_row(self, self._line, browse)
        self._line.textChanged.connect(self.currentPathChanged.emit)


@with_setters
class ctkMessageBox(QMessageBox):
    vars().update(
        remembered(str, "", "dontShowAgainSettingsKey"), **remembered(bool, False, "dontShowAgainVisible")
    )

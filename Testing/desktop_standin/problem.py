"""Whether PySide6 can be used here; Qt ends the process when it cannot, so this is asked before."""

from __future__ import annotations

import ctypes
import sys

# What PySide6's Gui library and its offscreen platform load, by Debian package; a fresh machine lacks them.
_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}


def standin_problem():
    """Why the stand-in cannot work on this machine; None when it can."""
    if sys.platform.startswith("linux"):
        missing = [package for library, package in _LIBRARIES.items() if not _loads(library)]
        if missing:
            return f"PySide6 needs system libraries that are absent; install {' '.join(missing)}."
    try:
        import PySide6
        import PySide6.QtUiTools
        import PySide6.QtWidgets
    except ImportError as error:
        return f"The stand-in needs PySide6 ({error}); install it with `pip install PySide6-Essentials`."
    if PySide6.__version_info__[:2] >= (6, 12) and sys.version_info < (3, 12):
        # Measured with 6.12.0 on 3.11: each call that returns None gives one reference to None too few back,
        # until Python aborts. From 3.12 on None is immortal.
        return f"PySide6 {PySide6.__version__} crashes Python before 3.12; install PySide6-Essentials<6.12."
    return None


def _loads(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True

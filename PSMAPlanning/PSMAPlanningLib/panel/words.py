"""The view state's codes in words, translated."""

from __future__ import annotations

from functools import cache

from . import volume_words
from .contour_words import flag_text
from .translation import tr as _
from .view_state import Action, LesionRow, Message, Notice, Preview, Reason, ViewState, VolumeCoverage


def message_text(message: Message) -> str:
    """What is said at the top of the panel."""
    if message.notice is Notice.NOTHING:
        return ""
    if message.notice is Notice.ERROR:
        return in_panel_words(message.text)
    if message.notice is Notice.REFUSED:
        return reason_text(Reason(message.text))
    if message.notice is Notice.RESTORED:
        said = _("The planning case of this scene was opened; it has {count} lesions.").format(
            count=message.count
        )
        return f"{said} {message.text}".strip()
    if message.notice is Notice.NODES_REMOVED:
        return _("Deleted in Slicer and cleared here: {nodes}. Undo brings it back.").format(
            nodes=message.text
        )
    sentences = {
        Notice.CANCELLED: _("Cancelled; nothing was changed."),
        Notice.OUTDATED: _("The case changed in the meantime; the result was dropped. Start it again."),
        Notice.LOADED: _("The sample case is loaded."),
        Notice.STUDY_LOADED: _("The study is loaded; press Find lesions."),
        Notice.SUV_ASKED: _("{name} is not in SUV; fill in the form under Patient.").format(
            name=message.text
        ),
        Notice.MISMATCH: _("The files name different patients; see under Patient."),
        Notice.CONVERTED: _("{name} is in SUV now and taken as the PET.").format(name=message.text),
        Notice.REGISTERED: _("PET and planning CT are brought together; see Registration under Patient."),
        Notice.WAITS_FOR_TRANSFORM: _(
            "PET and planning CT have different frames of reference. Choose the transform between them under "
            "Registration, or press Register on bone."
        ),
        Notice.REVISED: _("Done: {name}.").format(name=message.text),
        Notice.CONTOURED: _("{count} lesions are contoured by the rules chosen.").format(count=message.count),
        Notice.FOUND: _("{count} lesions found; none is reviewed yet.").format(count=message.count),
        Notice.SAVED: _("Saved as {file}.").format(file=message.text),
        Notice.COMPARED: _("{count} guidelines and decisions are compared, see What if.").format(
            count=message.count
        ),
        Notice.DOSE_LOADED: _("{name} is taken as the dose.").format(name=message.text),
        Notice.EXPORTED: _("{count} files are written into {folder}.").format(
            count=message.count, folder=message.text
        ),
    }
    return sentences[message.notice]


def in_panel_words(sentence: str) -> str:
    """A sentence that names options of the command line, with what they are called in the panel."""
    names = {
        "--register-bone": _("Register on bone"),
        "--transform-direction": _("the direction of the transform"),
        "--transform": _("PET moves by"),
        "--planning-ct": _("Planning CT"),
        "--ct": _("CT"),
        "--psa-ng-ml": _("PSA"),
        "--adt-since": _("ADT since"),
        "--adt": _("ADT"),
        "--margins": _("Margins"),
        "--prior-radiotherapy": _("Prior RT"),
        "--uncertainty-mm": _("Uncertainty"),
        "--units": _("Units of the voxels"),
        "--dose-bq": _("Injected activity"),
        "--weight-kg": _("Body weight"),
        "--half-life-s": _("Half-life"),
        "--injection-time": _("Injection"),
        "--reference-time": _("Decayed to"),
        "--anatomy": _("Organs"),
    }
    for option in sorted(names, key=len, reverse=True):
        sentence = sentence.replace(option, f"'{names[option]}'")
    return volume_words.in_words(sentence)


@cache
def reason_text(reason: Reason) -> str:
    """Why something cannot be done now; kept, because Slicer looks up who asks for each translation."""
    return {
        Reason.BUSY: _("Wait until the running work ends, or cancel it."),
        Reason.NOT_BUSY: _("Nothing is running."),
        Reason.NO_PET: _("Choose a PET under Patient first."),
        Reason.NO_LESIONS: _("Find lesions first."),
        Reason.NO_SELECTION: _("Click a line of the lesion table first."),
        Reason.NO_CASE: _("There is nothing to save yet."),
        Reason.NO_DOSE: _("Load an RTDOSE first."),
        Reason.NO_TARGETS: _("Choose or make RT volumes with a target first."),
        Reason.NOTHING_TO_UNDO: _("There is nothing to undo."),
        Reason.NOTHING_TO_REDO: _("There is nothing to redo."),
        Reason.NO_FORM: _("Choose a PET that is not in SUV first."),
        Reason.SUV_INCOMPLETE: _("Fill in what is still needed first."),
        Reason.NO_MISMATCH: _("There is nothing to confirm."),
        Reason.NO_TWO_CTS: _("Choose the PET, its CT and the planning CT first."),
        **volume_words.reason_texts(),
    }[reason]


@cache
def state_text(state: str) -> str:
    """What was decided about a lesion."""
    return {
        "proposed": _("proposed"),
        "undecided": _("undecided"),
        "accepted": _("accepted"),
        "rejected": _("rejected"),
    }[state]


@cache
def coverage_text(key: str | None) -> str:
    """A coverage class, or why there is none."""
    return {
        "inside": _("inside"),
        "partial": _("partial"),
        "outside": _("outside"),
        "not compared": _("no volume"),
        "rejected": _("rejected"),
        None: "",
    }[key]


def covered_text(cell: VolumeCoverage) -> str:
    """Whether a lesion is covered by one volume, else its class."""
    return _("covered") if cell.is_covered else coverage_text(cell.coverage_class)


def remark_text(row: LesionRow) -> str:
    """What else there is to know about a lesion, in a few words."""
    remarks = [flag_text(flag) for flag in row.flags]
    if row.rejection_reason:
        remarks.append(row.rejection_reason)
    if row.is_hand_edited:
        remarks.append(_("edited by hand"))
    if row.region_reason == "no_anatomy":
        remarks.append(_("no organ masks"))
    elif row.region_reason and row.region_reason.startswith("beyond:"):
        organ = row.region_reason.removeprefix("beyond:").replace("_", " ")
        remarks.append(_("beside {organ}").format(organ=organ))
    return "; ".join(remarks)


def history_text(title: str, name: str | None) -> str:
    """What an undo or redo button says."""
    return f"{title}: {name}" if name else title


def pet_text(view: ViewState) -> str:
    """Under the selectors: what the case goes by."""
    node = view.nodes["pet"]
    if node is None:
        return _(
            "Waits for a PET in SUV: load a study or a file and choose it above, or take the sample case."
        )
    return _("PET: {name}, in SUV by body weight.").format(name=node.GetName())


def preview_text(preview: Preview | None) -> str:
    """What the threshold that is being dragged would find."""
    if preview is None:
        return ""
    return _("At SUV {threshold}: {count} regions, {volume} mL, normal uptake included.").format(
        threshold=f"{preview.threshold_suv:.1f}", count=preview.regions, volume=f"{preview.volume_ml:.1f}"
    )


def lesions_text(view: ViewState) -> str:
    """Under the lesion table."""
    if not view.lesions:
        reason = view.blocked.get(Action.FIND)
        return reason_text(reason) if reason else _("Press Find lesions.")
    open_count = sum(row.state in ("proposed", "undecided") for row in view.lesions)
    said = (
        _("Reviewed: somebody decided on every lesion.")
        if view.is_reviewed
        else _("{open} of {all} lesions are not decided yet.").format(open=open_count, all=len(view.lesions))
    )
    return " ".join((said, *view.warnings))


def contours_text(view: ViewState) -> str:
    """Under the editor's button."""
    if view.edited is not None:
        return _("Drawing on lesion {id}. Coverage follows when the mouse is released.").format(
            id=view.edited
        )
    reason = view.blocked.get(Action.EDIT)
    return reason_text(reason) if reason else ""


def coverage_status_text(view: ViewState) -> str:
    """Under the coverage table."""
    if not view.lesions:
        return _("Waits for lesions.")
    if not view.coverage_rows:
        return _("Waits for RT volumes.")
    counted = [row for row in view.lesions if row.state != "rejected"]
    names = {"inside": 0, "partial": 0, "outside": 0}
    for row in counted:
        if row.color_key in names:
            names[row.color_key] += 1
    said = _("{inside} inside, {partial} partial, {outside} outside of the target volumes.").format(**names)
    return said if view.is_reviewed else _("Provisional: {said}").format(said=said)

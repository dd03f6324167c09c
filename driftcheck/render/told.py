"""What a comment tells of a document: the headline, the counts, and its sections, the alarming ones first.

Without a base it is the drift; with one, it is what the change does, what of that AWS has already, and what
had drifted before. Nothing here is cut or escaped for Markdown; texts from outside are ``visible``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftcheck.causes import causes_of
from driftcheck.render.common import (
    absence_pieces,
    error_text,
    heading,
    of_status,
    place_text,
    public_text,
    read_text,
    scope_pieces,
    unmanaged_text,
    visible,
)
from driftcheck.render.rollout import rollout_of
from driftcheck.render.sections import (
    Block,
    Section,
    counted,
    drifted_block,
    listed,
    name_item,
    placed,
    with_status,
)
from driftcheck.render.unread import by_key, first_names, predicate, subject_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from driftcheck.causes import Cause
    from driftcheck.document.entries import (
        BaseEntry,
        DifferenceEntry,
        Document,
        ResourceEntry,
    )
    from driftcheck.render.rollout import Rollout
    from driftcheck.render.sections import Item

_AS_REPORTED = "`-` is what the files declare, `+` is what AWS has."
_FEW_TARGETS = 3
"""So many are shown unfolded."""
_GOOD, _DOUBTFUL, _BAD = "✅", "⚠️", "❌"


@dataclass(frozen=True, slots=True)
class Told:
    """A comment's content; ``counts`` are the table's columns: a heading and what is known of its number.

    ``scope`` ends the headline: the part of what is declared that all this is about.
    """

    headline: str
    sentences: Sequence[str]
    counts: Sequence[tuple[str, int | str]]
    sections: Sequence[Section]
    scope: Item = ()


def tell(document: Document) -> Told:
    """What a comment tells of a document."""
    base = document.get("base")
    if document.get("invalid"):
        told = _invalid(document)
    elif base is None or base["error"] is not None:
        told = _drift(document, base)
    else:
        told = _change(document, base)
    sections = [_absent(document), *told.sections, _targets(document), _warnings(document)]
    return Told(
        told.headline,
        [*told.sentences, *_ignored(document)],
        told.counts,
        [each for each in sections if each.items or each.blocks],
        scope_pieces(document),
    )


def _invalid(document: Document) -> Told:
    errors = document.get("invalid") or []
    items = [placed(error["source"], public_text(error["message"])) for error in errors]
    return Told(
        f"{_BAD} Invalid: {counted(len(errors), 'error')} in the desired state",
        ["Nothing was compared with AWS."],
        [("Errors", len(errors))],
        [Section("Errors", items=items)],
    )


def _drift(document: Document, base: BaseEntry | None) -> Told:
    summary = document["summary"]
    errors = _unread(document)
    if summary["drifted"] or summary["missing"]:
        icon = _BAD
    else:
        icon = _DOUBTFUL if errors.items or not document["complete"] or not summary["declared"] else _GOOD
    unknown: list[Item] = []
    if base is not None and base["error"] is not None:
        unknown = [(("The base could not be read: ", False), (error_text(base["error"]), True))]
    drifted = [
        drifted_block(resource, resource["differences"]) for resource in of_status(document, "drifted")
    ]
    unmanaged = unmanaged_text(document)
    counts: list[tuple[str, int | str]] = [
        ("Declared", summary["declared"]),
        ("In sync", summary["in_sync"]),
        ("Drifted", summary["drifted"]),
        ("Missing", summary["missing"]),
        ("Unmanaged", int(unmanaged) if unmanaged.isdecimal() else unmanaged),
        ("Not compared", summary["error"]),
    ]
    return Told(
        f"{icon} {heading(document)}",
        [],
        counts,
        [
            Section("What this change does is not known", items=unknown),
            errors,
            Section("Drifted", f"{_AS_REPORTED} Each of these must be replaced.", blocks=drifted),
            Section("Missing: declared, and not in AWS", items=listed(of_status(document, "missing"))),
            Section(
                f"Unmanaged: {counted(summary['unmanaged'], 'definition')} in AWS that no file declares",
                items=listed(of_status(document, "unmanaged")),
                is_folded=True,
            ),
        ],
    )


def _change(document: Document, base: BaseEntry) -> Told:
    rollout = rollout_of(document, base)
    resources = document["resources"]
    unintended = [drifted_block(*each) for each in _having(resources, "introduced", intended=False)]
    unexpected = [
        resource
        for resource in resources
        if resource.get("origin") == "introduced" and not resource.get("intended")
    ]
    before = [drifted_block(*each) for each in _having(resources, "existing")]
    missing, unmanaged = (
        [each for each in of_status(document, status) if each.get("origin") in (None, "existing")]
        for status in ("missing", "unmanaged")
    )
    resolved = [drifted_block(each, each.get("resolved", [])) for each in resources if each.get("resolved")]
    settled = [each for each in resources if each.get("origin") == "resolved"]
    errors = _unread(document)
    drifted = len(before) + len(missing)
    counts = [
        ("In this change", len(base["declarations"])),
        ("To roll out", rollout.pending),
        ("Already so in AWS", rollout.done),
        ("Not intended", len(unintended) + len(unexpected)),
        ("Resolved", len(resolved) + len(settled)),
        ("Drifted before", drifted),
        ("Not compared", document["summary"]["error"]),
    ]
    return Told(
        _headline(document, rollout, len(unintended) + len(unexpected), bool(errors.items)),
        list(_sentences(document, rollout, counts, bool(errors.items))),
        counts,
        [
            Section(
                "Introduced by this change, and not intended",
                f"{_AS_REPORTED} The change makes these, and is not meant to.",
                [with_status(each) for each in unexpected],
                unintended,
            ),
            errors,
            _changes(rollout),
            Section(
                f"Resolved by this change: {counted(len(resolved) + len(settled), 'definition')}",
                "`-` is what was declared before, `+` is what AWS has.",
                [(*name_item(each), (" was missing or unmanaged", False)) for each in settled],
                resolved,
                is_folded=True,
            ),
            Section(
                f"Drifted before this change: {counted(drifted, 'definition')}",
                f"{_AS_REPORTED} This change neither made nor removes these.",
                [with_status(each) for each in missing],
                before,
                is_folded=True,
            ),
            Section(
                f"Unmanaged before this change: {counted(len(unmanaged), 'definition')}",
                items=listed(unmanaged),
                is_folded=True,
            ),
        ],
    )


def _headline(document: Document, rollout: Rollout, unintended: int, is_doubtful: bool) -> str:
    if unintended:
        differ = "definition differs" if unintended == 1 else "definitions differ"
        return f"{_BAD} Not intended: {unintended:,} {differ} from AWS because of this change"
    if document["interrupted"]:
        return f"{_DOUBTFUL} Incomplete: the run was stopped before everything was read"
    if is_doubtful or not document["complete"]:
        return f"{_DOUBTFUL} Valid, but not everything could be compared"
    return f"{_DOUBTFUL if rollout.diverged else _GOOD} Valid: {rollout.says}"


def _sentences(
    document: Document, rollout: Rollout, counts: Iterable[tuple[str, int]], is_doubtful: bool
) -> Iterator[str]:
    number = dict(counts)
    if wanting := read_text(document):
        yield f"{wanting}."
    if number["Not intended"] or is_doubtful or not document["complete"]:
        yield f"{rollout.says[:1].upper()}{rollout.says[1:]}."
    if not number["Not intended"] and document["complete"]:
        yield "Nothing unintended."
    if rollout.diverged:
        values = counted(rollout.diverged, "value")
        yield f"**Somebody changed {values} in AWS that this change sets too: rollout overwrites that.**"
    if number["Drifted before"]:
        yield f"{counted(number['Drifted before'], 'definition')} had drifted before this change."


def _changes(rollout: Rollout) -> Section:
    blocks = [
        Block(each.name, f": {each.says}", each.facts, each.hunks, each.label)
        for each in rollout.changes
        if each.hunks
    ]
    items: list[Item] = [
        (
            (f"**{each.label}** ", False),
            (each.name, True),
            *(((", ", False), *each.facts) if each.facts else ()),
            (f": {each.says}", False),
        )
        for each in rollout.changes
        if not each.hunks
    ]
    return Section(
        "This change",
        "`-` was declared, `+` is declared now, `!` is what AWS has instead." if blocks else "",
        items,
        blocks,
    )


def _having(
    resources: Iterable[ResourceEntry], origin: str, *, intended: bool | None = None
) -> Iterator[tuple[ResourceEntry, list[DifferenceEntry]]]:
    """The definitions with differences of an origin, and these; one that has none was there before."""
    for resource in resources:
        found = [
            each
            for each in resource["differences"]
            if each.get("origin", "existing") == origin
            and (intended is None or each.get("intended", False) is intended)
        ]
        if found:
            yield resource, found


def _unread(document: Document) -> Section:
    resources = by_key(document)
    items: list[Item] = []
    for cause in causes_of(document):
        item = listed([resources[cause.keys[0]]])[0] if len(cause.keys) == 1 else _several(cause)
        items.append((*item, *_error(cause)))
    return Section("Could not be compared", items=items)


def _several(cause: Cause) -> Item:
    text, name = subject_pieces(cause)
    shown, more = first_names(cause)
    listed_names: list[tuple[str, bool]] = []
    for each in shown:
        listed_names += [(", " if listed_names else " (", False), (each, True)]
    if listed_names:
        listed_names.append((f" and {more:,} more)" if more else ")", False))
    return ((text, False), (name, True), (f" {predicate(cause)}", False), *listed_names)


def _error(cause: Cause) -> Item:
    """The code and what to do: a comment is public, and the text of AWS names roles and sessions."""
    remedy = [(visible(piece) if is_code else piece, is_code) for piece, is_code in cause.remedy]
    code = (visible(cause.code), True)
    return ((": ", False), code, *((("; what to do: ", False), *remedy) if remedy else ()))


def _absent(document: Document) -> Section:
    """A comment may be public, and names the last digits of an account alone."""
    items = [
        tuple((public_text(text) if is_code else text, is_code) for text, is_code in pieces)
        for pieces in absence_pieces(document)
    ]
    return Section("Nothing that is declared was found", items=items)


def _targets(document: Document) -> Section:
    """Where it was looked; a comment may be public, and names the last digits of an account alone."""
    items: list[Item] = [
        (
            (visible(target["name"]), True),
            (": ", False),
            (public_text(place_text(target["account"], target["region"])), True),
        )
        for target in document["targets"]
    ]
    return Section("Targets", items=items, is_folded=len(items) > _FEW_TARGETS)


def _warnings(document: Document) -> Section:
    warnings = document["warnings"]
    items = [placed(each["source"], public_text(each["message"])) for each in warnings]
    return Section(counted(len(warnings), "warning"), items=items, is_folded=True)


def _ignored(document: Document) -> Iterator[str]:
    count = sum(len(resource["ignored"]) for resource in document["resources"])
    if count:
        yield f"{counted(count, 'difference')} {'is' if count == 1 else 'are'} ignored by rules."

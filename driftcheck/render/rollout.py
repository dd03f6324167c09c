"""What a change from a base declares otherwise, and what of that rolling it out has still to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.render.common import name_text, path_text, source_text, visible
from driftcheck.render.sections import Hunk, sides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftcheck.document.entries import (
        BaseEntry,
        DeclarationEntry,
        DesiredChangeEntry,
        DifferenceEntry,
        Document,
        FormerEntry,
        ResourceEntry,
    )
    from driftcheck.render.sections import Item

Key: TypeAlias = tuple[str, str, str]

_LEAF = {
    "pending": "will change on rollout",
    "done": "already so in AWS",
    "diverged": "somebody changed it in AWS: rollout overwrites that",
    "unknown": "not known whether AWS has it",
}
_TO_DO = {
    "replace": "will be replaced on rollout",
    "create": "will be created on rollout",
    "delete": "still in AWS, to be deleted on rollout",
    "nothing": "already so in AWS",
    "gone": "no longer in AWS",
    "differs": "AWS has one of this name, and it differs",
    "unknown": "not known what AWS has",
}
_COUNTED = ("replace", "create", "delete")


@dataclass(frozen=True, slots=True)
class Change:
    """One definition that is declared otherwise.

    ``todo`` is a key of what rollout does; ``former_remains`` tells that one of its former name is to be
    deleted too.
    """

    label: str
    name: str
    facts: Item
    todo: str
    says: str
    hunks: Sequence[Hunk]
    former_remains: bool = False


@dataclass(frozen=True, slots=True)
class Rollout:
    """All of a change; ``diverged`` counts the values for which AWS has neither the former nor the new."""

    changes: Sequence[Change]
    diverged: int

    @property
    def pending(self) -> int:
        """The definitions that rolling out does something to."""
        return sum(each.todo in _COUNTED for each in self.changes)

    @property
    def done(self) -> int:
        """The definitions that AWS has already as they are declared."""
        return sum(each.todo in ("nothing", "gone") for each in self.changes)

    @property
    def says(self) -> str:
        """What rollout will do, as a part of a sentence."""
        if not self.changes:
            return "this change alters no definition"
        counts = Counter(each.todo for each in self.changes)
        counts["delete"] += sum(each.former_remains for each in self.changes)
        parts = [f"{verb} {counts[verb]:,}" for verb in _COUNTED if counts[verb]]
        if not parts:
            if counts["differs"]:
                return "AWS has definitions of the names that this change declares"
            if counts["unknown"]:
                return "what AWS has of this change is not known"
            return "AWS has this change already"
        first, _, number = parts[0].partition(" ")
        parts[0] = f"{first} {number} definition{'' if number == '1' else 's'}"
        return "rollout will " + " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def rollout_of(document: Document, base: BaseEntry) -> Rollout:
    """What a document with a base tells of the change and its rollout."""
    resources = {_key(each): each for each in document["resources"]}
    declared = {_key(each) for each in base["declarations"]}
    declared |= {_former_key(each) for each in base["declarations"] if each["was"]}
    changes = [_change(each, resources) for each in base["declarations"]]
    # what a change makes differ although it declares the same, as without a rule that ignored it
    changes += [made for key, each in resources.items() if key not in declared for made in _others(each)]
    diverged = sum(
        leaf["rollout"] == "diverged"
        for each in base["declarations"]
        if each["live"] != "absent"
        for leaf in each["changes"]
    )
    return Rollout(changes, diverged)


def _change(declaration: DeclarationEntry, resources: Mapping[Key, ResourceEntry]) -> Change:
    resource = resources.get(_key(declaration))
    todo = _todo(declaration, resource)
    hunks = [_hunk(each, declaration, resource) for each in declaration["changes"]]
    if not hunks and todo == "replace" and resource:
        hunks = [_against_live(each) for each in _intended(resource)]
    facts: list[tuple[str, bool]] = []
    if declaration["source"]:
        facts += [("declared in ", False), (source_text(declaration["source"]), True)]
    says = _TO_DO[todo]
    if (was := declaration["was"]) is not None:
        facts += [(", " if facts else "", False), *_was(declaration, was)]
    former = resources.get(_former_key(declaration))
    remains = former is not None and former is not resource and former["status"] == "unmanaged"
    if remains:
        says += "; the former is still in AWS, to be deleted"
    label = declaration["change"].capitalize()
    return Change(label, _name(declaration), tuple(facts), todo, says, hunks, remains)


def _todo(declaration: DeclarationEntry, resource: ResourceEntry | None) -> str:
    is_removed = declaration["change"] == "removed"
    match declaration["live"]:
        case "unknown":
            return "unknown"
        case "absent":
            return "gone" if is_removed else "create"
    return "delete" if is_removed else _todo_there(declaration, resource)


def _todo_there(declaration: DeclarationEntry, resource: ResourceEntry | None) -> str:
    """What rollout does to a definition that is declared and that AWS has."""
    states = {each["rollout"] for each in declaration["changes"]}
    if states & {"pending", "diverged"} or (resource and _intended(resource)):
        return "replace"
    if "unknown" in states:
        return "unknown"
    if declaration["change"] == "changed" or resource is None:
        return "nothing"
    # what is declared anew, AWS may have already: that it differs is nothing that the change declares
    unintended = (each.get("origin") == "introduced" for each in resource["differences"])
    return "differs" if any(unintended) else "nothing"


def _others(resource: ResourceEntry) -> Iterator[Change]:
    name, facts = name_text(resource), (("declared as before", False),)
    if found := _intended(resource):
        hunks = [_against_live(each) for each in found]
        yield Change("Compared otherwise", name, facts, "replace", _TO_DO["replace"], hunks)
    elif resource.get("origin") == "introduced" and resource.get("intended"):
        todo = "create" if resource["status"] == "missing" else "delete"
        yield Change("Compared otherwise", name, facts, todo, _TO_DO[todo], [])


def _intended(resource: ResourceEntry) -> list[DifferenceEntry]:
    return [
        each
        for each in resource["differences"]
        if each.get("origin") == "introduced" and each.get("intended")
    ]


def _hunk(change: DesiredChangeEntry, declaration: DeclarationEntry, resource: ResourceEntry | None) -> Hunk:
    values = list(sides(change, change["base"], change["desired"], "-+"))
    if change["rollout"] == "diverged" and resource is not None:
        live = (each for each in resource["differences"] if each["path"] == change["path"])
        # of what differs, the declared side is there already
        values += (side for each in live for side in sides(each, None, each["live"], "?!") if side[0] == "!")
    says = "" if declaration["live"] == "absent" else _LEAF[change["rollout"]]
    return Hunk(path_text(change["path"]), tuple(values), says)


def _against_live(difference: DifferenceEntry) -> Hunk:
    values = sides(difference, difference["desired"], difference["live"], "+!")
    return Hunk(path_text(difference["path"]), values, _LEAF["pending"])


def _was(declaration: DeclarationEntry, was: FormerEntry) -> Iterator[tuple[str, bool]]:
    yield ("before", False)
    if (was["name"], was["target"]) != (declaration["name"], declaration["target"]):
        yield (" ", False)
        yield (visible(f"{was['name']} ({was['target']})"), True)
    if was["source"]:
        yield (" in ", False)
        yield (source_text(was["source"]), True)


def _name(declaration: DeclarationEntry) -> str:
    return visible(f"{declaration['kind']} {declaration['name']} ({declaration['target']})")


def _key(entry: ResourceEntry | DeclarationEntry) -> Key:
    return entry["kind"], entry["target"], entry["name"]


def _former_key(declaration: DeclarationEntry) -> Key:
    was = declaration["was"]
    return (declaration["kind"], was["target"], was["name"]) if was else _key(declaration)

"""Desired files to desired state: every definition in every target, or everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from driftcheck.desired import arns, declarations, digests, files, kept, lifecycle, references, rules
from driftcheck.desired.faults import MAX_FAULTS, InvalidDesiredError
from driftcheck.desired.masks import Masks
from driftcheck.errors import DriftcheckError, did_you_mean
from driftcheck.kinds import ARN, AWS_TAGS, IDENTIFIER, KINDS, TAGS, tags_of_aws
from driftcheck.model import AMBIENT, Address, Desired, IgnoreRule, Invalid, Target, Warn
from driftcheck.paths import show

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path as FilePath

    from driftcheck.desired.declarations import Declaration, FileContent
    from driftcheck.desired.written import Written
    from driftcheck.kinds import Kind
    from driftcheck.model import Json, Location, Path, PathPattern, Shard

__all__ = ["DesiredState", "InvalidDesiredError", "Masks", "load", "loads", "masks_of"]
T = TypeVar("T")

ArnLevel: TypeAlias = Literal["error", "warning", "ignored"]
"""What an ARN that fits none of a file's targets is."""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What the files declare, narrowed to what was asked for.

    ``targets`` are those that the files are for; ``declared`` the (target, kind) names that a file has a list
    or an object of, empty ones included; ``addresses`` all that the files declare; ``select`` the globs for
    names; ``warnings`` the rules that definitions break and AWS lets pass; ``shard`` the part of them that
    ``definitions`` and ``targets`` are, or None for all; ``aside`` the targets that are reached for their
    definitions alone; ``elsewhere`` those that files are for and that are not reached; ``digests`` what is
    declared for each target of the files; ``sensitive`` what ``lifecycle`` says is sensitive of all that the
    files declare, and ``masks`` the same by kind and name; ``arns`` those in the files that may be of another
    place than their targets; ``plain_keys`` the operator's, which each of ``definitions`` has too; ``only``
    the names of the targets that were asked for, empty where the files are for no others.
    """

    definitions: tuple[Desired, ...]
    targets: tuple[Target, ...]
    declared: frozenset[tuple[str, str]] = frozenset()
    addresses: frozenset[Address] = frozenset()
    select: tuple[str, ...] = ()
    warnings: tuple[Warn, ...] = ()
    shard: Shard | None = None
    aside: frozenset[str] = frozenset()
    elsewhere: tuple[Target, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    sensitive: Mapping[Address, tuple[PathPattern, ...]] = field(default_factory=dict)
    masks: Masks = field(default_factory=Masks)
    arns: arns.Undecided = field(default_factory=dict)
    plain_keys: frozenset[str] = frozenset()
    only: tuple[str, ...] = ()

    def with_plain_keys(self, keys: frozenset[str]) -> DesiredState:
        """The same with the operator's ``plain_keys``."""
        if not keys:
            return self
        definitions = tuple(replace(desired, plain_keys=keys) for desired in self.definitions)
        return replace(
            self,
            definitions=definitions,
            plain_keys=keys,
            digests=digests.with_options(self.digests, sorted(keys)),
        )

    def masked(self, masks: Masks) -> DesiredState:
        """The same where others call something sensitive too: that masks more, and never less."""
        if not masks.named and not masks.like:
            return self
        definitions = tuple(
            desired if paths == desired.sensitive else replace(desired, sensitive=paths)
            for desired in self.definitions
            for paths in [masks.over(desired.address, desired.sensitive)]
        )
        sensitive = {
            address: paths
            for address in self.addresses
            if (paths := masks.over(address, self.sensitive.get(address, ())))
        }
        return replace(self, definitions=definitions, sensitive=sensitive)

    def listed(self, target: str) -> list[Kind]:
        """The kinds of which everything that exists in a target is listed, when unmanaged is asked for."""
        shard = self.shard
        if target in self.aside:
            return []
        return [kind for kind in KINDS.values() if shard is None or shard.holds(target, kind.name)]

    def is_unmanaged(self, address: Address) -> bool:
        """Tell whether no file declares what exists at an address, and it is one that was asked about."""
        return address not in self.addresses and _selected(address.name, self.select)


def load(  # noqa: PLR0913 - what a command may be told of its files
    paths: Iterable[FilePath],
    targets: Mapping[str, Target],
    *,
    only: Collection[str] = (),
    select: Collection[str] = (),
    within: FilePath | None = None,
    base: DesiredState | None = None,
    is_removed: Callable[[FilePath], bool] = lambda _: False,
    region_of: Callable[[Target], str | None] = lambda target: target.region,
    arn_level: ArnLevel = "error",
) -> DesiredState:
    """The desired state of files and folders.

    Args:
        paths: files, and folders that are read recursively.
        targets: the operator's, by name.
        only: names of the targets to keep; all when empty.
        select: glob patterns for the names of the definitions to keep; all when empty.
        within: a folder that no path may lead out of, nor any link.
        base: what was declared before; there may be nothing any more of what only that has.
        is_removed: tells whether that is so of a path with nothing there.
        region_of: gives the region of a target; None where it is not known.
        arn_level: what an ARN that fits none of a file's targets is.

    Raises:
        InvalidDesiredError: something is wrong with the files; one line for each thing, with file, line and
            column, and one for each warning.
        DriftcheckError: there is nothing of what was asked for.
    """
    faults: list[Invalid] = []
    gathered = _Gathered(targets, region_of, arn_level)
    for path in files.find(paths, faults, within, is_removed):
        _add(files.name(path), partial(files.parse, path), gathered, faults)
    state = _narrowed(gathered, faults, only, select)
    if not state.targets and not (base and base.targets):
        raise DriftcheckError(f"error: no desired file is for target {_quoted(only)}")
    if select and not state.definitions and not (base and base.definitions):
        raise DriftcheckError(f"error: no definition is named {_quoted(select)}")
    return state


def loads(
    contents: Iterable[tuple[str, bytes]],
    targets: Mapping[str, Target],
    *,
    only: Collection[str] = (),
    select: Collection[str] = (),
) -> DesiredState:
    """The desired state of files by their names and contents; there may be nothing of what was asked for.

    Their ARNs are ignored: these are files of an earlier commit.

    Raises:
        InvalidDesiredError: as for ``load``.
    """
    faults: list[Invalid] = []
    gathered = _Gathered(targets, lambda target: target.region, "ignored")
    for file, content in contents:
        _add(file, partial(files.parsed, file, content), gathered, faults)
    return _narrowed(gathered, faults, only, select)


def masks_of(contents: Iterable[tuple[str, bytes]], targets: Mapping[str, Target]) -> Masks:
    """What files call sensitive, by their names and contents, as far as they can be read.

    What is wrong with a file keeps nothing that can be read from counting.
    """
    gathered = _Gathered(targets, lambda target: target.region, "ignored")
    for file, content in contents:
        _add(file, partial(files.parsed, file, content), gathered, [])
    return gathered.masks


def _add(file: str, parse: Callable[[], Written], gathered: _Gathered, faults: list[Invalid]) -> None:
    """Take over what one file declares; what it was read into is gone before the next one is read."""
    try:
        gathered.add(content := declarations.read(file, parse()))
    except files.FileFaultError as fault:
        faults.append(fault.invalid)
        return
    faults += (Invalid(location, message) for location, message in content.located())
    if content.is_full:
        faults.append(Invalid(file, f"more than {MAX_FAULTS:,} errors; the others are left out"))


def _narrowed(
    gathered: _Gathered, faults: Collection[Invalid], only: Collection[str], select: Collection[str]
) -> DesiredState:
    if faults:
        raise InvalidDesiredError(faults, gathered.warnings)
    wanted = {name: target for name, target in gathered.used.items() if not only or name in only}
    definitions = [
        desired
        for desired in gathered.definitions.values()
        if desired.address.target in wanted and _selected(desired.address.name, select)
    ]
    return DesiredState(
        tuple(definitions),
        tuple(wanted.values()),
        frozenset(pair for pair in gathered.declared if pair[0] in wanted),
        frozenset(gathered.definitions),
        tuple(select),
        (*dict.fromkeys(gathered.warnings), *_about_tags(definitions, gathered.with_aws_tags)),
        elsewhere=tuple(target for name, target in gathered.used.items() if name not in wanted),
        digests=digests.of_targets(gathered.used.values(), gathered.definitions.values()),
        sensitive={each.address: each.sensitive for each in gathered.definitions.values() if each.sensitive},
        masks=gathered.masks,
        arns=gathered.undecided,
        only=tuple(sorted(wanted)) if len(wanted) < len(gathered.used) else (),
    )


def _about_tags(definitions: Iterable[Desired], with_aws_tags: Collection[Address]) -> Iterable[Warn]:
    """One warning, however many definitions declare tags of AWS's own."""
    if not with_aws_tags:
        return ()
    first = min(
        (desired for desired in definitions if desired.address in with_aws_tags),
        key=lambda desired: desired.location,
        default=None,
    )
    if first is None:
        return ()
    at = tags_of_aws(first.properties)[0]
    message = "tags whose keys begin with aws: belong to AWS and are not compared: they need not be declared"
    return (Warn(AWS_TAGS, message, first.locate((TAGS, at, "Key"))),)


def _selected(name: str, select: Collection[str]) -> bool:
    return not select or any(fnmatchcase(name, glob) for glob in select)


def _quoted(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


@dataclass(slots=True)
class _Gathered:
    """What the files read so far declare, over all of them."""

    targets: Mapping[str, Target]
    region_of: Callable[[Target], str | None]
    arn_level: ArnLevel
    undecided: dict[tuple[arns.Claim, ...], list[Location]] = field(default_factory=dict)
    used: dict[str, Target] = field(default_factory=dict)
    declared: set[tuple[str, str]] = field(default_factory=set)
    definitions: dict[Address, Desired] = field(default_factory=dict)
    warnings: list[Warn] = field(default_factory=list)
    with_aws_tags: set[Address] = field(default_factory=set)
    masks: Masks = field(default_factory=Masks)

    def add(self, content: FileContent) -> None:
        """Take over what a file declares; what is wrong with that is added to the file's faults."""
        chosen = [target for path, name in content.targets if (target := self._target(content, path, name))]
        self.used |= {target.name: target for target in chosen}
        self.declared |= {(target.name, kind) for target in chosen for kind in content.kinds}
        for declaration in content.declarations:
            its_rules = _lifecycle(content, declaration)
            location = declaration.locate(())
            names: dict[str, str | None] = {}
            for properties, targets in self._settled(content, declaration, chosen):
                warnings = _hold_to_rules(content, declaration, properties)
                self.warnings += warnings if targets else ()
                name = properties.get(IDENTIFIER)
                names |= {target.name: name if isinstance(name, str) else None for target in targets}
                if its_rules[1]:
                    self._mask(declaration, name, its_rules[1], is_settled=bool(targets))
                if not targets or not isinstance(name, str):
                    continue
                members = {member: value for member, value in properties.items() if member != IDENTIFIER}
                packed, places = kept.keep(members, declaration.written, content.file)
                for target in targets:
                    address = Address(declaration.kind.name, target.name, name)
                    if tags_of_aws(properties):
                        self.with_aws_tags.add(address)
                    desired = Desired(address, packed, location, places, *its_rules)
                    if (first := self.definitions.setdefault(address, desired)) is not desired:
                        content.fault(
                            (*declaration.path, IDENTIFIER),
                            f"`{address.name}` is declared twice for target `{target.name}`, "
                            f"first at {first.location}",
                        )
            if self.arn_level != "ignored" and ARN in declaration.value:
                self._hold_arn(content, declaration, names)

    def _mask(
        self, declaration: Declaration, name: Json, paths: tuple[PathPattern, ...], *, is_settled: bool
    ) -> None:
        """Record what is sensitive in a definition, also where its name is not known."""
        if not isinstance(name, str):
            self.masks.add_open(declaration.kind.name, None, paths)
        elif is_settled or declaration.bare:
            self.masks.add(declaration.kind.name, name, paths)
        else:
            self.masks.add_open(declaration.kind.name, name, paths)

    def _hold_arn(
        self, content: FileContent, declaration: Declaration, names: Mapping[str, str | None]
    ) -> None:
        """Record an ARN that fits none of its targets, or may turn out not to; ``names`` are by target."""
        given, places = [], {}
        for target, name in names.items():
            arn = declaration.value[ARN]
            wrong: list[tuple[Path, str]] = []
            if not declaration.bare:
                values = references.known(self.used[target], declared=target in self.targets)
                arn = references.replace(arn, values, (), partial(_append, wrong))
            if wrong or not isinstance(arn, str):
                # the target's place is part of it and is not known, or another error tells of it
                return
            given.append((target, arn, name))
            places[target] = arns.known_place(self.used[target], self.region_of(self.used[target]))
        outcome = arns.judge(declaration.kind, given, places) if given else ()
        location = declaration.locate((ARN,))
        if isinstance(outcome, tuple):
            if outcome:
                self.undecided.setdefault(outcome, []).append(location)
        elif self.arn_level == "error":
            content.fault((*declaration.path, ARN), outcome)
        else:
            self.warnings.append(Warn("arn-elsewhere", outcome, location))

    def _settled(
        self, content: FileContent, declaration: Declaration, targets: list[Target]
    ) -> Iterator[tuple[dict[str, Any], list[Target]]]:
        """A definition's members, with the targets that have them so.

        There are none where there is nothing good that a ``${...}`` stands for.
        """
        left_out = _left_out(declaration.kind)
        written = {name: value for name, value in declaration.value.items() if name not in left_out}
        if declaration.bare or not targets or not references.may_be_in(written):
            yield written, targets
            return
        for target in targets:
            values = references.known(target, declared=target.name in self.targets)
            settled = _replaced(content, declaration, written, target.name, values)
            yield (written, []) if settled is None else (settled, [target])

    def _target(self, content: FileContent, path: Path, name: str) -> Target | None:
        if name in self.targets:
            return self.targets[name]
        if name == AMBIENT:
            return Target(AMBIENT)
        nearest = did_you_mean(name, self.targets)
        content.fault(path, f"unknown target `{name}`{nearest or ': driftcheck.toml has no such target'}")
        return None


@cache
def _left_out(kind: Kind) -> frozenset[str]:
    return kind.server_assigned | {"lifecycle"}


def _append(wrong: list[tuple[Path, str]], path: Path, message: str) -> None:
    wrong.append((path, message))


def _replaced(
    content: FileContent,
    declaration: Declaration,
    written: Json,
    target: str,
    values: Mapping[str, str | None],
) -> dict[str, Any] | None:
    """A definition's members as one target has them; None where a ``${...}`` stands for nothing good."""
    wrong: list[tuple[Path, str]] = []
    settled: Any = references.replace(written, values, (), lambda *fault: wrong.append(fault))
    if not wrong:
        wrong = [
            (fault.path, f"{fault.message} (in target `{target}`)") for fault in declaration.faults(settled)
        ]
    for path, message in wrong:
        content.fault((*declaration.path, *path), message)
    return None if wrong else settled


def _hold_to_rules(
    content: FileContent, declaration: Declaration, properties: Mapping[str, Any]
) -> Iterable[Warn]:
    """Record the errors, and give the warnings, which are worth saying only of what is right otherwise."""
    # a misspelled member may be the one that is not given, and is told already
    misspelled = {fault.path[:-1] for fault in declaration.wrong if fault.unknown}
    for rule in rules.refused(declaration.kind, properties):
        if rule.path not in misspelled:
            content.fault((*declaration.path, *rule.path), f"{show(rule.path)}: {rule.message}")
    if declaration.wrong:
        return []
    return [
        Warn("definition-rule", rule.message, declaration.locate(rule.path))
        for rule in rules.broken(declaration.kind, properties)
    ]


def _lifecycle(
    content: FileContent, declaration: Declaration
) -> tuple[tuple[IgnoreRule, ...], tuple[PathPattern, ...]]:
    """The rules of a definition's ``lifecycle``, without those that are wrong."""
    ignore = []
    for path, entry in _entries(declaration, "ignore_changes"):
        table = {"path": entry} if isinstance(entry, str) else entry
        inside = path if isinstance(entry, str) else (*path, "path")
        pattern = _held(content, declaration, inside, lifecycle.parse, table["path"], declaration.kind)
        until = None
        if "until" in table:
            until = _held(content, declaration, (*path, "until"), lifecycle.parse_day, table["until"])
        if pattern is not None:
            ignore.append(IgnoreRule(pattern, declaration.locate(path), table.get("reason"), until))
    sensitive = (
        _held(content, declaration, path, lifecycle.parse, text, declaration.kind)
        for path, text in _entries(declaration, "sensitive")
    )
    return tuple(ignore), tuple(pattern for pattern in sensitive if pattern is not None)


def _entries(declaration: Declaration, name: str) -> Iterator[tuple[Path, Any]]:
    """The elements of a list in ``lifecycle`` that the schema finds nothing wrong with, with their paths."""
    given = declaration.value.get("lifecycle")
    elements = given.get(name) if isinstance(given, dict) else None
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        path: Path = ("lifecycle", name, index)
        if not any(fault.path[:3] == path for fault in declaration.wrong):
            yield path, element


def _held(
    content: FileContent, declaration: Declaration, path: Path, parse: Callable[..., T], *given: Any
) -> T | None:
    """What a text means; where it means nothing, that is a fault of the file."""
    try:
        return parse(*given)
    except ValueError as error:
        content.fault((*declaration.path, *path), f"{show(path)}: {error}")
        return None

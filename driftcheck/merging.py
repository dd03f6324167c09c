"""Several result documents to the one that a single run over all of it would have made.

The parts are the shards of one run, or runs of the same files over different targets. Each of them is valid,
and beyond that from anywhere: what does not go together without a gap is refused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.causes import join_operations, join_unlisted
from driftcheck.document import digest_of, in_order, listed, place, summary
from driftcheck.errors import DriftcheckError
from driftcheck.kinds import AWS_TAGS
from driftcheck.model import KIND_NAMES, NOT_LOOKED_FOR, is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from driftcheck.document.entries import (
        BaseEntry,
        CallsEntry,
        Document,
        ErrorEntry,
        InvalidEntry,
        ResourceEntry,
        RunEntry,
        TargetEntry,
        UndecidedEntry,
        WarningEntry,
    )
    from driftcheck.model import Place

Part: TypeAlias = "tuple[str, Document]"
"""A document, and before it what messages call it."""

_MAX_SAID = 10
_MAX_LENGTH = 100

MAX_AGE = timedelta(hours=24)
"""How far apart parts may start: a nightly run's are of one night."""


def merge(parts: Sequence[Part], max_age: timedelta = MAX_AGE, only: Collection[str] = ()) -> Document:
    """The document of a single run, the same for any order of its parts; there is at least one.

    ``only`` are the targets that there have to be results of, all that the files are for when it is empty.

    Raises:
        DriftcheckError: parts contradict each other, do not say what they were made from, lack something that
            they had, or start further apart than ``max_age``; a shard or target is missing, or something is
            in two parts; one line for each.
    """
    # what a check finds would only be said again, in more words, by those that follow
    checks = (
        _without_run,
        _contradictions,
        _cut_parts,
        partial(_ages, max_age),
        _missing_shards,
        partial(_missing_targets, only),
        _repetitions,
    )
    for check in checks:
        if faults := list(check(parts)):
            more = [f"error: {len(faults) - _MAX_SAID:,} more like these"] if len(faults) > _MAX_SAID else []
            raise DriftcheckError(*faults[:_MAX_SAID], *more)
    documents = [document for _, document in parts]
    targets = _targets(documents)
    unmanaged, undecided = _decide(documents, targets)
    is_listed = not undecided and all({*KIND_NAMES}.issubset(each.get("listed", ())) for each in targets)
    found = [each for document in documents for each in document["resources"]] + unmanaged
    resources = sorted(_without_declared_elsewhere(found, targets), key=_address)
    merged: Document = {
        "format_version": documents[0]["format_version"],
        "driftcheck_version": documents[0]["driftcheck_version"],
        "started_at": min(document["started_at"] for document in documents),
        "finished_at": max(document["finished_at"] for document in documents),
        "complete": all(document["complete"] for document in documents),
        "interrupted": any(document["interrupted"] for document in documents),
        "summary": summary(resources, is_listed=is_listed),
        "targets": targets,
        "resources": resources,
        "warnings": _warnings(documents, resources),
    }
    if (last := max(map(_last_start, documents))) != merged["started_at"]:
        merged["last_started_at"] = last
    if all("calls" in document for document in documents):
        merged["calls"] = _calls(document["calls"] for document in documents)
    if runs := [document["run"] for document in documents if "run" in document]:
        is_sharded = any("shard" in document for document in documents)
        merged["run"] = _run(runs, resources, targets, is_sharded=is_sharded)
        if undecided:
            merged["run"]["undecided"] = undecided
    if bases := [document["base"] for document in documents if "base" in document]:
        merged["base"] = _base(bases)
    if wrong := [each for document in documents for each in document.get("invalid", ())]:
        merged["invalid"] = _once(wrong)
    return merged


def _calls(counted: Iterable[CallsEntry]) -> CallsEntry:
    made, throttled = 0, 0
    for each in counted:
        made += each["made"]
        throttled += each["throttled"]
    return {"made": made, "throttled": throttled}


def _contradictions(parts: Sequence[Part]) -> Iterator[str]:
    found = list(_different(parts, _claims))
    found += (
        f"{line}: make both of the same files and driftcheck.toml" for line in _different(parts, _contents)
    )
    # the digest of all differs for each of these as well
    yield from found or _different(parts, _whole)


def _different(
    parts: Sequence[Part], claims: Callable[[Document], Iterable[tuple[str, str]]]
) -> Iterator[str]:
    first: dict[str, tuple[str, str]] = {}
    for name, document in parts:
        for what, value in claims(document):
            said, by = first.setdefault(what, (value, name))
            if said != value:
                yield f"error: {_cut(what)} is {_cut(said)} in {by} and {_cut(value)} in {name}"


def _claims(document: Document) -> Iterator[tuple[str, str]]:
    """What has to be the same in all parts that speak of it; another version may divide a run otherwise."""
    yield "the version of driftcheck", document["driftcheck_version"]
    yield "the format version", document["format_version"]
    base = document.get("base")
    yield "the base", f"{base['ref']} ({base['commit']})" if base else "none"
    shard = document.get("shard")
    yield "the number of shards", str(shard["count"]) if shard else "none"
    if run := document.get("run"):
        yield "--select", " ".join(run["select"]) or "not given"
        yield "--unmanaged", "on" if run["unmanaged"] else "off"
    for target in document["targets"]:
        if target["account"] is not None:
            yield f"the account of target {target['name']}", target["account"]
        if target["region"] is not None:
            yield f"the region of target {target['name']}", target["region"]


def _contents(document: Document) -> Iterator[tuple[str, str]]:
    """What is declared for each target that the files of a part are for, reached or not."""
    for each in document["run"]["declared"] if "run" in document else ():
        yield f"the digest of target {each['target']} and of what files declare for it", each["digest"]


def _whole(document: Document) -> Iterator[tuple[str, str]]:
    if shard := document.get("shard"):
        yield "the digest of all definitions, targets and options", shard["whole"]


def _without_run(parts: Sequence[Part]) -> Iterator[str]:
    """Parts that do not say what they were made from, by which those of one run know each other."""
    for name, document in parts:
        if "run" not in document and not (document.get("invalid") and not document["resources"]):
            yield (
                f"error: {name} does not say what it was made from (`run`): it was made by driftcheck 0.1, "
                "or changed since: run it again"
            )


def _cut_parts(parts: Sequence[Part]) -> Iterator[str]:
    for name, document in parts:
        run = document.get("run")
        if run and run["resources"] != digest_of(document["resources"], document["targets"]):
            yield (
                f"error: {name} does not have the definitions and targets that it was written with: "
                "take the result as check wrote it"
            )


def _ages(max_age: timedelta, parts: Sequence[Part]) -> Iterator[str]:
    began: list[tuple[datetime, str, str]] = []
    for name, document in parts:
        for text in dict.fromkeys((document["started_at"], _last_start(document))):
            try:
                began.append((datetime.fromisoformat(text).astimezone(UTC), text, name))
            except (ValueError, OverflowError):
                yield f"error: {name} started at {text}, which is no time"
    if not began:
        return
    first, last = min(began), max(began)
    if last[0] - first[0] > max_age:
        yield (
            f"error: {first[2]} started at {first[1]} and {last[2]} at {last[1]}, "
            "further apart than --max-age: run the older part again"
        )


def _last_start(document: Document) -> str:
    """When the last of the runs that a document was made of started."""
    return document.get("last_started_at", document["started_at"])


def _missing_shards(parts: Sequence[Part]) -> Iterator[str]:
    found: dict[int, str] = {}
    count = 0
    for name, document in parts:
        if (shard := document.get("shard")) is None:
            continue
        index, count = shard["index"], shard["count"]
        if index > count:
            yield f"error: {name} is shard {index} of {count}, which no run has"
        elif index in found:
            yield f"error: shard {index} of {count} is in {found[index]} and again in {name}"
        else:
            found[index] = name
    missing = [str(index) for index in range(1, count + 1) if index not in found]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        more = f" and {len(missing) - _MAX_SAID:,} more" if len(missing) > _MAX_SAID else ""
        yield f"error: of {count} shards, {', '.join(missing[:_MAX_SAID])}{more} {verb} missing"


def _missing_targets(only: Collection[str], parts: Sequence[Part]) -> Iterator[str]:
    """Targets of which no part tells; shards are of what was asked for, and all of them are there."""
    documents = [document for _, document in parts]
    wanted = set(only)
    if not only and not any("shard" in document for document in documents):
        wanted = {each["target"] for d in documents if "run" in d for each in d["run"]["declared"]}
    found = {target["name"] for document in documents for target in document["targets"]}
    for name in sorted(wanted - found):
        yield (
            f"error: the files are for target {_cut(name)} too, and no result is: "
            "add that, or name those that are wanted with --target"
            if not only
            else f"error: no result is of target {_cut(name)}"
        )


def _repetitions(parts: Sequence[Part]) -> Iterator[str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, document in parts:
        for resource in document["resources"]:
            address = _address(resource)
            if address in found:
                kind, target, called = map(_cut, address)
                yield f"error: {kind} {called} ({target}) is in {found[address]} and again in {name}"
            found.setdefault(address, name)


def _run(
    runs: Iterable[RunEntry],
    resources: Iterable[ResourceEntry],
    targets: Iterable[TargetEntry],
    *,
    is_sharded: bool,
) -> RunEntry:
    """What all parts were made from: each may know of targets that the others do not."""
    declared: dict[str, str] = {}
    asked: set[str] = set()
    for run in runs:
        declared |= {each["target"]: each["digest"] for each in run["declared"]}
        asked.update(run.get("targets", ()))
    if not is_sharded:
        found = {target["name"] for target in targets}
        asked = found if declared.keys() - found else set()
    return {
        "select": run["select"],
        "unmanaged": run["unmanaged"],
        "declared": [{"target": target, "digest": declared[target]} for target in sorted(declared)],
        "resources": digest_of(resources, targets),
        "targets": sorted(asked),
    }


def _targets(documents: Sequence[Document]) -> list[TargetEntry]:
    """Each target once, with what any part knows of it; of several errors, the one that a run would tell."""
    found: dict[str, TargetEntry] = {}
    for document in documents:
        kinds = listed(document)
        for target in document["targets"]:
            known = found.get(target["name"], target)
            errors: list[ErrorEntry] = [each["error"] for each in (known, target) if each["error"]]
            found[target["name"]] = {
                "name": target["name"],
                "account": target["account"] if known["account"] is None else known["account"],
                "region": target["region"] if known["region"] is None else known["region"],
                "error": _joined(errors),
                "listed": sorted(kinds[target["name"]].union(known.get("listed", ()))),
            }
    return [found[name] for name in sorted(found)]


def _joined(errors: Sequence[ErrorEntry]) -> ErrorEntry | None:
    """The error that a single run would tell."""
    if not errors:
        return None
    code, message = join_operations((each["code"], each["message"]) for each in errors)[0]
    first = min(errors, key=lambda each: (each["code"] != code, each["message"]))
    return {**first, "code": code, "message": message}


def _base(bases: Sequence[BaseEntry]) -> BaseEntry:
    """What all parts are compared with; where one could not use it, not every difference has an origin."""
    declarations = (each for base in bases for each in base["declarations"])
    errors: list[ErrorEntry] = [base["error"] for base in bases if base["error"]]
    return {
        "ref": bases[0]["ref"],
        "commit": bases[0]["commit"],
        "error": min(errors, key=lambda each: (each["message"], each["code"]), default=None),
        "declarations": sorted(declarations, key=lambda each: (each["kind"], each["target"], each["name"])),
    }


def _once(entries: Iterable[InvalidEntry]) -> list[InvalidEntry]:
    """What is wrong with files that several parts have read, by place."""
    found = {(place(each["source"]), each["message"]): each for each in entries}
    return [found[key] for key in sorted(found)]


def _without_declared_elsewhere(
    resources: Sequence[ResourceEntry], targets: Iterable[TargetEntry]
) -> Iterator[ResourceEntry]:
    """Nothing is unmanaged that another part declares for another target of the same account and region."""
    places = {each["name"]: (each["account"], each["region"]) for each in targets if each["account"]}
    declared = {
        (each["kind"], places.get(each["target"]), each["name"])
        for each in resources
        if each["status"] != "unmanaged"
    }
    for each in resources:
        place = places.get(each["target"])
        if each["status"] != "unmanaged" or not place or (each["kind"], place, each["name"]) not in declared:
            yield each


def _decide(
    documents: Iterable[Document], targets: Iterable[TargetEntry]
) -> tuple[list[ResourceEntry], list[UndecidedEntry]]:
    """Part the undecided into what is unmanaged, now that more is known, and what stays so."""
    places: dict[str, Place] = {each["name"]: (each["account"], each["region"]) for each in targets}
    entries = (each for document in documents for each in document.get("run", {}).get("undecided", ()))
    unmanaged: list[ResourceEntry] = []
    undecided: list[UndecidedEntry] = []
    for each in sorted(entries, key=lambda each: _address(each["resource"])):
        here = places.get(each["resource"]["target"], (None, None))
        others = {target: is_same(here, places.get(target, (None, None))) for target in each["declared_for"]}
        if True in others.values():
            continue
        if unknown := [target for target, is_one in others.items() if is_one is None]:
            undecided.append({"resource": each["resource"], "declared_for": unknown})
        else:
            unmanaged.append(each["resource"])
    return unmanaged, undecided


def _warnings(documents: Sequence[Document], resources: Iterable[ResourceEntry]) -> list[WarningEntry]:
    """Every warning that still holds: a rule of ``ignore_changes`` is idle only if it is in every part.

    A rule has one warning, although a declaration may have another name in each target.
    """
    used = {
        place(hidden["rule_source"])
        for resource in resources
        for hidden in resource["ignored"]
        if hidden.get("rule_source")
    }
    found: dict[tuple[str, ...], WarningEntry] = {}
    given = [each for document in documents for each in document["warnings"]]
    unlisted = join_unlisted(each["message"] for each in given if each["code"] == NOT_LOOKED_FOR)
    joined: list[WarningEntry] = [
        {"code": NOT_LOOKED_FOR, "message": message, "source": None} for message in unlisted
    ]
    for warning in in_order([*(each for each in given if each["code"] != NOT_LOOKED_FOR), *joined]):
        code, at = warning["code"], place(warning["source"])
        if code == "ignore-rule-unused" and at in used:
            continue
        about = (code, *map(str, at), "" if code.startswith("ignore-rule-") else warning["message"])
        if code == AWS_TAGS:
            about = (code,)
        found.setdefault(about, warning)
    return list(found.values())


def _address(resource: ResourceEntry) -> tuple[str, str, str]:
    return resource["kind"], resource["target"], resource["name"]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."

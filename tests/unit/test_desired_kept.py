"""What is kept of a definition: where its paths stand, in another process too, and in little memory."""

from __future__ import annotations

import gc
import json
import pickle
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.desired import json_, load, yaml_
from tests.functional.definitions import KINDS, full, minimal, write_desired
from tests.unit.declared import MODEL_QUALITY, TARGETS, with_environment, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as FilePath

    from driftcheck.model import Path

YAML = f"""\
version: 1
targets: [prod-eu, prod-us]
model_quality_job_definitions:
  - RoleArn: {minimal(MODEL_QUALITY)["RoleArn"]}
    lifecycle: {{sensitive: [RoleArn]}}
    ModelQualityAppSpecification: {json.dumps(minimal(MODEL_QUALITY)["ModelQualityAppSpecification"])}
    CreationTime: 2026-11-20
    JobDefinitionName: churn
    ModelQualityJobInput: {json.dumps(minimal(MODEL_QUALITY)["ModelQualityJobInput"])}
    ModelQualityJobOutputConfig: {json.dumps(minimal(MODEL_QUALITY)["ModelQualityJobOutputConfig"])}
    JobResources: {json.dumps(minimal(MODEL_QUALITY)["JobResources"])}
    Tags:
      - &team {{Key: team, Value: risk}}
      - Key: b
        Value: c
      - *team
"""


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    file = tmp_path / "a.yaml"
    file.write_text(YAML)
    return file


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    yield above
    if isinstance(value, dict):
        for key, member in value.items():
            yield from paths(member, (*above, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from paths(element, (*above, index))


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 4, 5),
        (("RoleArn",), 4, 5),
        (("ModelQualityAppSpecification",), 6, 5),
        (("ModelQualityAppSpecification", "ImageUri"), 6, 36),
        (("JobResources", "ClusterConfig"), 11, 20),
        (("Tags", 0), 13, 9),
        (("Tags", 0, "Value"), 13, 27),
        (("Tags", 1), 14, 9),
        (("Tags", 1, "Value"), 15, 9),
        (("Tags", 2), 13, 9),
        (("Tags", 2, "Value"), 13, 27),
        (("Tags", 1, "Other"), 14, 9),
        (("Tags", 9, "Key"), 12, 5),
        (("Tags", "Key"), 12, 5),
        (("RoleArn", 0), 4, 5),
        (("NetworkConfig", "VpcConfig"), 4, 5),
    ],
)
def test_a_path_is_where_it_is_declared_or_at_the_nearest_thing_above(
    file: FilePath, path: Path, line: int, column: int
) -> None:
    for desired in load([file], TARGETS).definitions:
        found = desired.locate(path)
        assert (found.file, found.line, found.column) == (str(file), line, column)


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_member_is_where_its_name_stands(tmp_path: FilePath, kind: str, name: str) -> None:
    file = write_desired(tmp_path, {kind: [minimal(kind, "first"), full(kind)]}, name)
    lines = file.read_text().splitlines()

    desired = load([file], {}).definitions[1]

    for path in paths(desired.properties["Tags"], ("Tags",)):
        at = desired.locate(path)
        shown = lines[at.line - 1][at.column - 1 :]
        assert shown.lstrip('"').startswith(path[-1] if isinstance(path[-1], str) else ("Key", "{"))


@pytest.mark.parametrize("read", [yaml_.parse, json_.parse], ids=["yaml", "json"])
def test_what_is_read_has_a_mark_for_each_value(read: Any) -> None:
    found = read('{"a": [1, {"b": null}], "c": {},\n "d": {"e": [[], "x"]}}')

    assert [tuple(found.mark(path)) for path in paths(found.value)] == [
        *((1, 1), (1, 2), (1, 8), (1, 11), (1, 12), (1, 25)),
        *((2, 2), (2, 8), (2, 14), (2, 18)),
    ]
    assert len(found.marks) == 10


def test_desired_state_is_the_same_in_another_process(file: FilePath) -> None:
    state = load([file], TARGETS)

    sent = pickle.loads(pickle.dumps(state))

    assert [desired.address for desired in sent.definitions] == [
        desired.address for desired in state.definitions
    ]
    for here, there in zip(state.definitions, sent.definitions, strict=True):
        assert there.properties == here.properties
        assert (there.location, there.ignore, there.sensitive) == (
            here.location,
            here.ignore,
            here.sensitive,
        )
        for path in paths(dict(here.properties)):
            assert there.locate(path) == here.locate(path)


def test_what_targets_have_in_common_is_kept_once(tmp_path: FilePath) -> None:
    both = ["prod-eu", "prod-us"]
    plain, other = (
        load([written(tmp_path, with_environment(A=text), targets=both)], TARGETS).definitions
        for text in ("$x", "${var.bucket}")
    )

    assert plain[0].properties is plain[1].properties
    assert other[0].properties != other[1].properties
    assert other[0].locate(("RoleArn",)) == other[1].locate(("RoleArn",)) == plain[0].locate(("RoleArn",))


def test_text_is_kept_as_it_is(tmp_path: FilePath) -> None:
    text = 'é😀 \u2028 \\ "${x}" \x7f'
    (desired,) = load([written(tmp_path, with_environment(A=text), name="a.json")], {}).definitions

    assert desired.properties["ModelQualityAppSpecification"]["Environment"] == {"A": text}  # type: ignore[call-overload,index]


def test_a_definition_takes_three_kilobytes_at_most(tmp_path: FilePath) -> None:
    many = 400
    for number in range(0, many, 100):
        names = [f"d{index}" for index in range(number, number + 100)]
        written(tmp_path, *(minimal(MODEL_QUALITY, name) for name in names), name=f"{number}.yaml")
    written(tmp_path / "other", minimal(MODEL_QUALITY))
    load([tmp_path / "other"], {})  # what is made once

    tracemalloc.start()
    state = load([tmp_path / "desired"], {})
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(state.definitions) == many
    assert taken / many < 3_000


def test_places_stand_where_they_stood_beside_blocks_that_equal_absent_ones(tmp_path: FilePath) -> None:
    file = tmp_path / "a.yaml"
    lines = YAML.splitlines()
    at = lines.index("    CreationTime: 2026-11-20")
    lines[at:at] = ["    StoppingCondition: {}", "    NetworkConfig:", "      VpcConfig: {}"]
    lines.insert(at + 3, "      EnableNetworkIsolation: true")
    file.write_text("\n".join(lines))

    desired, _ = load([file], TARGETS).definitions

    assert "StoppingCondition" not in desired.properties
    assert desired.properties["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert desired.locate(("NetworkConfig", "EnableNetworkIsolation")).line == at + 4
    first = next(number for number, line in enumerate(lines, 1) if "Key: team" in line)
    assert [desired.locate(("Tags", index)).line for index in range(2)] == [first, first + 1]

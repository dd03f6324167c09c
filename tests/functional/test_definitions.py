"""The definitions that other tests start from are whole and are such as AWS takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from tests.functional.definitions import (
    DATA_QUALITY,
    KINDS,
    MODEL_BIAS,
    SOURCES,
    Definition,
    Source,
    full,
    minimal,
    section,
    write_desired,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def model() -> ServiceModel:
    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


@pytest.mark.parametrize("kind", KINDS)
def test_full_definitions_hold_every_member_that_create_takes(kind: str, model: ServiceModel) -> None:
    shape = model.operation_model(f"Create{kind}").input_shape
    held = {path for source in SOURCES for path in paths_of(full(kind, source=source))}
    assert sorted(set(members_of(shape)) - held) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
def test_definitions_keep_the_rules_of_the_service_model(
    kind: str, source: Source, model: ServiceModel
) -> None:
    shape = model.operation_model(f"Create{kind}").input_shape
    assert list(violations(full(kind, source=source), shape)) == []
    assert list(violations(minimal(kind, source=source), shape)) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
def test_minimal_definitions_hold_nothing_but_required_members_and_one_source(
    kind: str, source: Source, model: ServiceModel
) -> None:
    shape = model.operation_model(f"Create{kind}").input_shape
    optional = set(members_of(shape)) - set(required_of(shape))
    sources = {path for path in optional if "EndpointInput" in path or "BatchTransformInput" in path}
    ground_truth = (f"{kind.removesuffix('JobDefinition')}JobInput", "GroundTruthS3Input", "S3Uri")
    held = set(paths_of(minimal(kind, source=source)))
    assert held & (optional - sources - {ground_truth}) == set()
    assert len({path[1] for path in held & sources}) == 1


def test_a_broken_definition_is_told_from_a_good_one(model: ServiceModel) -> None:
    definition = full(MODEL_BIAS)
    definition["JobResources"]["ClusterConfig"] |= {"InstanceType": "ml.none", "VolumeSizeInGB": 0}
    definition["RoleArn"] = "role"
    del definition["ModelBiasAppSpecification"]["ConfigUri"]
    shape = model.operation_model(f"Create{MODEL_BIAS}").input_shape
    assert {path[-1] for path in violations(definition, shape)} == {
        "InstanceType",
        "VolumeSizeInGB",
        "RoleArn",
        "ConfigUri",
    }


@pytest.mark.parametrize("name", ["desired.yaml", "other.json"])
def test_a_desired_file_reads_back_as_what_it_was_made_of(tmp_path: Path, name: str) -> None:
    definition = full(DATA_QUALITY, "0123", "batch")
    path = write_desired(tmp_path, {DATA_QUALITY: [definition]}, name, target="prod-eu")
    assert path == tmp_path / "desired" / name
    text = path.read_text("utf-8")
    assert (json.loads(text) if name.endswith("json") else yaml.safe_load(text)) == {
        "version": 1,
        "target": "prod-eu",
        "data_quality_job_definitions": [definition],
    }


def test_a_kind_has_its_section_in_the_desired_file() -> None:
    assert [section(kind) for kind in KINDS] == [
        "model_quality_job_definitions",
        "data_quality_job_definitions",
        "model_bias_job_definitions",
        "model_explainability_job_definitions",
    ]


def members_of(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all leaves of a shape; a structure without members is a leaf, a list adds no step."""
    match shape:
        case StructureShape() if shape.members:
            for name, member in shape.members.items():
                yield from members_of(member, (*path, name))
        case ListShape():
            yield from members_of(shape.member, path)
        case _:
            yield path


def required_of(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of the leaves that are required, all the way up."""
    match shape:
        case StructureShape() if shape.members:
            for name in shape.required_members:
                yield from required_of(shape.members[name], (*path, name))
        case ListShape():
            yield from required_of(shape.member, path)
        case _:
            yield path


def paths_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all leaves of a definition, and those of its maps and empty blocks."""
    match value:
        case dict():
            yield path
            for key, member in value.items():
                yield from paths_of(member, (*path, key))
        case list():
            for element in value:
                yield from paths_of(element, path)
        case _:
            yield path


def violations(value: Any, shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths where a value breaks the shape: required, unknown, type, enum, pattern, length, range."""
    match shape:
        case StructureShape():
            misnamed = (set(shape.required_members) - value.keys()) | (value.keys() - shape.members.keys())
            yield from ((*path, name) for name in misnamed)
            for name in value.keys() & shape.members.keys():
                yield from violations(value[name], shape.members[name], (*path, name))
        case ListShape():
            if not within(len(value), shape):
                yield path
            for element in value:
                yield from violations(element, shape.member, path)
        case MapShape():
            for key, member in value.items():
                yield from violations(key, shape.key, (*path, key))
                yield from violations(member, shape.value, (*path, key))
        case _:
            if not fits(value, shape):
                yield path


def fits(value: Any, shape: Shape) -> bool:
    if shape.type_name != "string":
        types: Definition = {"integer": int, "double": float, "boolean": bool}
        return type(value) is types[shape.type_name] and within(value, shape)
    pattern = shape.metadata.get("pattern", "[\\s\\S]*").replace("\\p{L}\\p{Z}\\p{N}", "\\w ")
    return (
        isinstance(value, str)
        and re.fullmatch(pattern, value) is not None
        and within(len(value), shape)
        and value in (shape.metadata.get("enum") or [value])
    )


def within(size: float, shape: Shape) -> bool:
    limits = shape.metadata
    return bool(limits.get("min", size) <= size <= limits.get("max", size))

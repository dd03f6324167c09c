"""The example definitions: valid, complete, and in sync with a service that holds what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from botocore.model import ListShape, MapShape, StructureShape

from tests.functional.definitions import KINDS, REGION, section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

    from tests.functional.conftest import Run
    from tests.functional.definitions import Definition
    from tests.functional.service import Service

FOLDER = Path(__file__).parents[2] / "desired"
FILES = sorted(FOLDER.iterdir())
MODEL = boto3.client("sagemaker", region_name=REGION).meta.service_model

ANALYZER = f"468650794304.dkr.ecr.{REGION}.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = f"131013547314.dkr.ecr.{REGION}.amazonaws.com/sagemaker-clarify-processing:1.0"


def _typed(shape: Shape, text: Any) -> Any:
    """What a member means, read from its text by the modelled type and without driftcheck."""
    match shape:
        case StructureShape():
            return {key: _typed(shape.members[key], value) for key, value in text.items()}
        case MapShape():
            return {key: _typed(shape.value, value) for key, value in text.items()}
        case ListShape():
            return [_typed(shape.member, value) for value in text]
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    return {"integer": int, "double": float}.get(shape.type_name, str)(text)


def _request(kind: str) -> Any:
    return MODEL.operation_model(f"Create{kind}").input_shape


def _read(file: Path) -> tuple[str, Definition]:
    # a loader to which every scalar is a string
    content = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)
    ((kind, (definition,)),) = [(kind, content[section(kind)]) for kind in KINDS if section(kind) in content]
    definition.pop("lifecycle", None)
    return kind, _typed(_request(kind), definition)


EXAMPLES = [_read(file) for file in FILES]


def _blocks(kind: str, suffix: str) -> list[Definition]:
    """That block of each example of a kind: ``AppSpecification``, ``JobInput`` and so on."""
    prefix = kind.removesuffix("JobDefinition")
    return [definition[f"{prefix}{suffix}"] for its_kind, definition in EXAMPLES if its_kind == kind]


def _members(shape: Any, below: str) -> Iterator[str]:
    if isinstance(shape, ListShape):
        yield from _members(shape.member, below)
    elif isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield f"{below}.{name}"
            yield from _members(member, name)


def _given(value: Any, below: str) -> Iterator[str]:
    if isinstance(value, list):
        for element in value:
            yield from _given(element, below)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield f"{below}.{name}"
            yield from _given(member, name)


def test_the_examples_are_valid_without_a_warning(run: Run) -> None:
    outcome = run("validate", FOLDER)

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == f"Valid: {len(FILES)} definitions, 1 target, 0 warnings.\n"


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 5
    assert {kind for kind, _ in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_named_for_its_one_definition_and_says_what_it_is(file: Path) -> None:
    _, definition = _read(file)

    assert file.name == definition["JobDefinitionName"] + ".yaml"
    assert file.read_text("utf-8").startswith("# ")


def test_model_quality_shows_the_three_problem_types() -> None:
    types = {app["ProblemType"] for app in _blocks("ModelQualityJobDefinition", "AppSpecification")}

    assert types == {"BinaryClassification", "MulticlassClassification", "Regression"}


def test_model_quality_shows_both_inputs() -> None:
    inputs = {name for block in _blocks("ModelQualityJobDefinition", "JobInput") for name in block}

    assert inputs == {"EndpointInput", "BatchTransformInput", "GroundTruthS3Input"}


def test_model_quality_shows_an_image_of_aws_and_one_of_the_teams_own() -> None:
    images = {app["ImageUri"] for app in _blocks("ModelQualityJobDefinition", "AppSpecification")}

    assert ANALYZER in images
    assert [image for image in images if image.startswith("123456789012.")]


def test_bias_and_explainability_use_the_image_that_aws_documents() -> None:
    for kind in ("ModelBiasJobDefinition", "ModelExplainabilityJobDefinition"):
        assert {app["ImageUri"] for app in _blocks(kind, "AppSpecification")} == {CLARIFY}


def test_every_member_that_aws_knows_is_in_some_example() -> None:
    known = {name for kind in KINDS for name in _members(_request(kind), kind)}
    given = {name for kind, definition in EXAMPLES for name in _given(definition, kind)}

    # the blocks that are named after a kind have one name here: what one kind shows holds for the others
    def shared(names: set[str]) -> set[str]:
        return {re.sub(r"(Model|Data)(Quality|Bias|Explainability)", "*", name) for name in names}

    assert len(shared(known)) > 50
    assert shared(known) - shared(given) == set()


def test_together_they_show_the_lifecycle() -> None:
    text = "\n".join(file.read_text("utf-8") for file in FILES)

    for word in ("ignore_changes:", "path:", "reason:", "until:", "sensitive:"):
        assert f" {word}" in text


def test_no_example_names_a_target() -> None:
    for file in FILES:
        assert not {"target", "targets"} & yaml.safe_load(file.read_text("utf-8")).keys()


def test_what_looks_like_another_type_is_text() -> None:
    environment = next(
        app["Environment"]
        for app in _blocks("ModelQualityJobDefinition", "AppSpecification")
        if "COUNTRY" in app.get("Environment", {})
    )

    assert (environment["COUNTRY"], environment["BUILD_ID"]) == ("NO", "0412")


def test_every_example_is_in_sync_with_what_was_created_from_it(run: Run, service: Service) -> None:
    for kind, definition in EXAMPLES:
        service.create(kind, definition)

    outcome = run("check", FOLDER, "-o", "json=-")

    resources = outcome.document()["resources"]
    assert {(each["kind"], each["name"], each["status"]) for each in resources} == {
        (kind, definition["JobDefinitionName"], "in_sync") for kind, definition in EXAMPLES
    }
    assert [each for each in resources if each["differences"] or each["ignored"]] == []
    assert outcome.exit_code == 0


def test_every_example_drifts_where_somebody_changed_it(run: Run, service: Service) -> None:
    for kind, definition in EXAMPLES:
        service.create(kind, definition)
        service.mutate(
            kind, definition["JobDefinitionName"], ("RoleArn",), "arn:aws:iam::123456789012:role/x"
        )

    outcome = run("check", FOLDER, "-o", "json=-")

    found = [(each["name"], each["differences"]) for each in outcome.document()["resources"]]
    assert len(found) == len(EXAMPLES)
    assert {name: [entry["path"] for entry in entries] for name, entries in found} == {
        definition["JobDefinitionName"]: [["RoleArn"]] for _, definition in EXAMPLES
    }
    assert outcome.exit_code == 2

"""Files and folders to desired state: which files, which targets, what ``${...}`` becomes, duplicates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from driftcheck.desired import load
from tests.functional.definitions import KINDS, Definition, full, minimal, section
from tests.unit.declared import MODEL_QUALITY, TARGETS, errors, names, with_environment, with_members, written

if TYPE_CHECKING:
    from pathlib import Path


def test_folders_are_read_recursively_without_what_is_hidden_or_of_another_suffix(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "sub/c.json", "sub/deep/er/d.yaml"):
        written(tmp_path, minimal(MODEL_QUALITY, name[-6:-5] + "x"), name=name)
    for name in (".e.yaml", ".hidden/f.yaml", "sub/.g.json", "h.txt", "README.md", "i.yaml~", "j"):
        (tmp_path / "desired" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "desired" / name).write_text("not: [a desired file", encoding="utf-8")

    state = load([tmp_path / "desired"], {})

    assert {desired.location.file.rpartition("desired/")[2] for desired in state.definitions} == {
        "a.yaml",
        "b.yml",
        "sub/c.json",
        "sub/deep/er/d.yaml",
    }


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    file = written(tmp_path, minimal(MODEL_QUALITY))
    link = tmp_path / "link.yaml"
    link.symlink_to(file)

    assert names(load([file, file.parent, link, file], {})) == ["churn"]


def test_a_file_may_be_named_whatever_its_suffix_and_hidden(tmp_path: Path) -> None:
    written(tmp_path, minimal(MODEL_QUALITY, "one"), name=".one.yaml")
    written(tmp_path, minimal(MODEL_QUALITY, "two"), name="two.txt")

    state = load([tmp_path / "desired" / ".one.yaml", tmp_path / "desired" / "two.txt"], {})

    assert names(state) == ["one", "two"]


def test_what_cannot_be_read_is_named_and_nothing_is_passed_over_in_silence(tmp_path: Path) -> None:
    folder = tmp_path / "desired"
    (folder / "sub.yaml").mkdir(parents=True)
    (folder / "lost.yaml").symlink_to("nowhere.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "elsewhere").symlink_to(tmp_path)
    (folder / "empty.json").write_bytes(b"")
    (folder / "latin.yaml").write_bytes(b"version: 1\n# caf\xe9\n")

    assert errors(folder, tmp_path / "absent.yaml") == [
        f"{folder}/elsewhere: error: a link to a folder is not followed; name the folder itself",
        f"{folder}/empty.json:1:1: error: the file is empty",
        f"{folder}/latin.yaml:2:6: error: not UTF-8 text",
        f"{folder}/loop.yaml: error: cannot be read: Too many levels of symbolic links",
        f"{folder}/lost.yaml: error: cannot be read: No such file or directory",
        f"{tmp_path}/absent.yaml: error: cannot be read: No such file or directory",
    ]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert errors(tmp_path) == [f"{tmp_path}: error: the folder holds no *.yaml *.yml *.json file"]


def test_a_name_longer_than_any_file_has_is_an_error_like_any_other(tmp_path: Path) -> None:
    (line,) = errors(tmp_path / ("x" * 5_000))

    assert line.endswith("error: cannot be read: File name too long")


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf", b"\r\n", b"# a comment\r\n\r\n"],
    ids=["byte-order-mark", "blank-line", "comment"],
)
def test_marks_and_line_ends_of_other_systems_change_nothing(tmp_path: Path, content: bytes) -> None:
    file = written(tmp_path, full(MODEL_QUALITY))
    plain = load([file], {}).definitions[0]

    file.write_bytes(content + file.read_bytes().replace(b"\n", b"\r\n"))

    assert load([file], {}).definitions[0].properties == plain.properties


RESOURCE_TYPES = {
    "ModelQualityJobDefinition": "model-quality-job-definition",
    "DataQualityJobDefinition": "data-quality-job-definition",
    "ModelBiasJobDefinition": "model-bias-job-definition",
    "ModelExplainabilityJobDefinition": "model-explainability-job-definition",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_describe_answers_is_a_desired_file(tmp_path: Path, kind: str) -> None:
    answer = {
        "JobDefinitionArn": f"arn:aws:sagemaker:eu-west-1:123456789012:{RESOURCE_TYPES[kind]}/churn",
        "CreationTime": "2026-11-20T09:00:00.123000+01:00",
        **full(kind),
    }
    as_json, as_yaml = tmp_path / "a.json", tmp_path / "b.yaml"
    as_json.write_text(json.dumps(answer, indent=4))
    lines = [f"{name}: {json.dumps(value)}" for name, value in answer.items()]
    as_yaml.write_text("\n".join(lines))

    for file in (as_json, as_yaml):
        (desired,) = load([file], TARGETS).definitions
        assert (desired.address.kind, desired.address.target, desired.address.name) == (
            kind,
            "default",
            "churn",
        )
        assert desired.properties == {
            name: value for name, value in full(kind).items() if name != "JobDefinitionName"
        }


def test_the_text_of_a_bare_answer_is_taken_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(with_environment(A="${var.bucket}", B="$${x}")))

    (desired,) = load([file], TARGETS).definitions

    assert desired.properties["ModelQualityAppSpecification"]["Environment"] == {  # type: ignore[call-overload,index]
        "A": "${var.bucket}",
        "B": "$${x}",
    }


def test_an_object_of_no_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"JobDefinitionName": "x", "RoleArn": "y"}')

    assert errors(file) == [
        (
            f"{file}:1:1: error: it has JobDefinitionName, "
            "but is the answer of no Describe…JobDefinition operation"
        )
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "must be a mapping, is a list"),
        ("text", "must be a mapping, is a string"),
        ("null", "must be a mapping, is null"),
        ("3", "must be a mapping, is a number"),
    ],
)
def test_a_file_that_is_no_mapping_is_told_that_alone(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)

    assert errors(file) == [f"{file}:1:1: error: {says}"]


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ({}, "1:1: error: `version` is required"),
        ({"version": 2}, "version: must be 1"),
        ({"version": "1"}, "version: must be 1"),
        ({"version": True}, "version: must be 1"),
        ({"version": 1, "target": "prod-eu", "targets": ["prod-us"]}, "exclude each other"),
        ({"version": 1, "targets": []}, "targets: must have at least 1 elements"),
        ({"version": 1, "targets": ["prod-eu", "prod-eu"]}, "targets: names something twice"),
        ({"version": 1, "target": ["prod-eu"]}, "target: must be a string, is a list"),
        ({"version": 1, "targets": "prod-eu"}, "targets: must be a list, is a string"),
        ({"version": 1, "target": "prod-e"}, "unknown target `prod-e`: did you mean `prod-eu`?"),
        ({"version": 1, "target": "qa"}, "unknown target `qa`: driftcheck.toml has no such target"),
        ({"version": 1, "targets": ["prod-eu", "prod_us"]}, "did you mean `prod-us`?"),
        ({"version": 1, "Target": "prod-eu"}, "unknown member `Target`: did you mean `target`?"),
        ({"version": 1, "model_quality_job_definitions": {}}, "must be a list, is a mapping"),
        *(
            ({"version": 1, name: "x"}, f"unknown member `{name}`")
            for name in (
                *("profile", "role_arn", "external_id", "credentials", "aws_access_key_id", "endpoint_url"),
                *("region", "account", "vars", "templates", "output", "outputs", "config", "include"),
            )
        ),
    ],
)
def test_the_head_of_a_file_is_held_to_its_members(tmp_path: Path, head: Definition, says: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(head))

    (line,) = errors(file)

    assert line.startswith(f"{file}:1:")
    assert says in line


def test_a_definition_may_not_say_how_it_is_reached(tmp_path: Path) -> None:
    for name in ("profile", "role_arn", "endpoint_url", "target", "output", "templates"):
        (line,) = errors(written(tmp_path, with_members(**{name: "x"})))
        assert f"unknown member `{name}`" in line


def test_a_value_in_the_place_of_a_name_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        f"version: 1\n{section(MODEL_QUALITY)}:\n"
        '- {"PASSWORD:hunter2": 1, Tags: hunter2, RoleArn: "hunter2", JobDefinitionName: "hunter2 ",\n'
        '  ModelQualityAppSpecification: {ImageUri: [hunter2], Environment: {"PASSWORD=hunter2": ~},\n'
        "    ProblemType: hunter2}, lifecycle: {sensitive: {a: hunter2}}}\n"
    )

    said = errors(file)

    assert len(said) > 6
    assert not [line for line in said if "hunter2" in line]

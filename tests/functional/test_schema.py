"""``schema``: what an editor is given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import jsonschema_rs

from tests.documents import GOLDEN
from tests.functional.definitions import KINDS, full, section

if TYPE_CHECKING:
    from tests.functional.conftest import Run

OFFLINE = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_REGION": None, "HOME": None}


def test_the_schema_of_the_desired_file_is_printed_as_json(run: Run) -> None:
    ended = run("schema", env=OFFLINE)

    assert (ended.exit_code, ended.stderr) == (0, "")
    printed = ended.document()
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(printed)
    validator = jsonschema_rs.Draft202012Validator(printed)
    content = {"version": 1, "target": "a", **{section(kind): [full(kind)] for kind in KINDS}}
    assert validator.is_valid(content)
    assert validator.is_valid(content | {section(KINDS[0]): [full(KINDS[0]) | {"RoleArn": "${var.role}"}]})
    assert not validator.is_valid(content | {section(KINDS[0]): [full(KINDS[0]) | {"RoleArm": "x"}]})


def test_a_validator_of_another_make_takes_the_schema(run: Run) -> None:
    printed = run("schema", env=OFFLINE).document()

    jsonschema.Draft202012Validator.check_schema(printed)
    validator = jsonschema.Draft202012Validator(printed)
    content = {"version": 1, **{section(kind): [full(kind)] for kind in KINDS}}
    assert validator.is_valid(content)
    assert not validator.is_valid(content | {section(KINDS[0]): [full(KINDS[0]) | {"RoleArm": "x"}]})


def test_the_schema_of_the_result_is_printed_as_json(run: Run) -> None:
    ended = run("schema", "--result", env=OFFLINE)

    assert (ended.exit_code, ended.stderr) == (0, "")
    jsonschema_rs.meta.validate(ended.document())
    golden = json.loads((GOLDEN / "result.json").read_text("utf-8"))
    validator = jsonschema_rs.Draft202012Validator(ended.document())
    assert validator.is_valid(golden)
    assert not validator.is_valid({**golden, "complete": "yes"})


def test_the_same_schema_is_printed_every_time(run: Run) -> None:
    assert run("schema").stdout == run("schema", env={"PYTHONHASHSEED": "7"}).stdout

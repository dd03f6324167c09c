"""Desired files of model quality definitions for two targets, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.desired import DesiredState, load
from driftcheck.errors import DriftcheckError
from driftcheck.model import Target
from tests.functional.definitions import KINDS, Definition, minimal, write_desired

if TYPE_CHECKING:
    from pathlib import Path

MODEL_QUALITY = KINDS[0]
TARGETS = {
    "prod-eu": Target("prod-eu", "eu-west-1", "123456789012", variables={"bucket": "ml-eu", "NAME": "churn"}),
    "prod-us": Target("prod-us", "us-east-1", variables={"bucket": "ml-us", "bad": "No Name"}),
}


def written(folder: Path, *definitions: Definition, name: str = "a.yaml", **extra: object) -> Path:
    return write_desired(folder, {MODEL_QUALITY: definitions}, name, **extra)


def with_members(**members: Any) -> Definition:
    return minimal(MODEL_QUALITY) | members


def with_environment(**variables: Any) -> Definition:
    definition = minimal(MODEL_QUALITY)
    definition["ModelQualityAppSpecification"]["Environment"] = variables
    return definition


def errors(*paths: Path) -> list[str]:
    with pytest.raises(DriftcheckError) as caught:
        load(paths, TARGETS)
    return [line for line in caught.value.lines if ": error: " in line]


def names(state: DesiredState) -> list[str]:
    return [desired.address.name for desired in state.definitions]

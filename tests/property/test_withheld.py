"""A definition compared without its sensitive texts is found to be what it is with them, and sends none."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.compare import compare
from driftcheck.model import Address, Desired, IgnoreRule, Live, Location, Missing
from driftcheck.redact import MASK, is_credential, secrets_in
from driftcheck.withheld import found_again, told, withhold
from tests.property.shapes import HERE, KIND_NAMES, TODAY, at, changed, leaves, pattern, whole

if TYPE_CHECKING:
    from driftcheck.model import Path

KEY = b"0123456789abcdef0123456789abcdef"
OTHERS = b"fedcba9876543210fedcba9876543210"
SECRETS = (
    "correct horse battery",
    "hunter2",
    "AKIAIOSFODNN7EXAMPLE",
    "postgres://drift:s3cret@db.example.com/ml",
    "(sensitive)",
    "sensitive",
    "withheld:" + "0" * 64,
    "",
)
TEXTS = (*SECRETS, *(f"--password={secret}" for secret in SECRETS), "File", "Enabled", "Enabled now")
PLACES = {kind: [place.path for place in leaves(kind, whole(kind)) if place.is_text] for kind in KIND_NAMES}


def app(kind: str) -> str:
    return f"{kind.removesuffix('JobDefinition')}AppSpecification"


@st.composite
def some_definition(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A definition with some of the texts at some of its places, and in variables that speak of a secret."""
    definition = copy.deepcopy(whole(kind))
    for path in draw(st.lists(st.sampled_from(PLACES[kind]), max_size=4)):
        at(definition, path[:-1])[path[-1]] = draw(st.sampled_from(TEXTS))
    variables = st.dictionaries(
        st.sampled_from(("DB_PASSWORD", "API_KEY", "MODE", "LOG")), st.sampled_from(TEXTS), max_size=3
    )
    definition[app(kind)]["Environment"] |= draw(variables)
    for member in draw(st.lists(st.sampled_from([*definition]), max_size=1)):
        del definition[member]
    return definition


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Desired, dict[str, Any]]:
    """A declared definition with some paths that are sensitive or ignored, and what is live."""
    kind = draw(st.sampled_from(KIND_NAMES))
    some = st.lists(st.sampled_from(PLACES[kind]), max_size=2)
    blocks = st.sampled_from([path[:-1] for path in PLACES[kind] if len(path) > 1])
    desired = Desired(
        Address(kind, "prod", "churn"),
        draw(some_definition(kind)),
        HERE,
        lambda path: Location("desired.yaml", len(path) + 1, 1),
        tuple(IgnoreRule(pattern(path), HERE) for path in draw(some)),
        tuple(pattern(path) for path in (*draw(some), *draw(st.lists(blocks, max_size=1)))),
    )
    return desired, draw(some_definition(kind))


@given(pairs())
def test_what_is_found_is_the_same(pair: tuple[Desired, dict[str, Any]]) -> None:
    desired, properties = pair
    live = Live(properties, "arn:aws:x", datetime(2026, 11, 20, 8, tzinfo=UTC))

    away = withhold(desired, KEY)
    finding = compare(found_again(away, live, KEY), live, TODAY)

    assert told(finding, desired) == compare(desired, live, TODAY)


@pytest.mark.parametrize("path", [("RoleArn",), ("JobResources", "ClusterConfig", "VolumeKmsKeyId")])
def test_a_secret_within_a_text_that_only_live_has_is_not_shown(path: Path) -> None:
    kind = KIND_NAMES[0]
    definition = whole(kind)
    definition[app(kind)]["Environment"]["PASSWORD"] = "correct horse"
    desired = Desired(Address(kind, "prod", "churn"), definition, HERE, lambda _: HERE)
    other = changed(
        changed(definition, path, "x correct horse x"), (app(kind), "Environment", "PASSWORD"), ""
    )
    live = Live(other, "arn:aws:x", datetime(2026, 11, 20, 8, tzinfo=UTC))

    finding = told(compare(found_again(withhold(desired, KEY), live, KEY), live, TODAY), desired)

    assert finding == compare(desired, live, TODAY)
    assert {(each.path, each.desired, each.live) for each in finding.differences} == {
        (path, MASK, MASK),
        ((app(kind), "Environment", "PASSWORD"), MASK, MASK),
    }


@given(pairs())
def test_what_has_no_live_side_is_found_as_it_is(pair: tuple[Desired, dict[str, Any]]) -> None:
    desired, _ = pair

    finding = compare(found_again(withhold(desired, KEY), Missing(), KEY), Missing(), TODAY)

    assert told(finding, desired) == compare(desired, Missing(), TODAY)


@given(pairs())
def test_no_secret_is_in_what_is_sent(pair: tuple[Desired, dict[str, Any]]) -> None:
    desired, _ = pair
    known = {*secrets_in(dict(desired.properties), desired.sensitive), *filter(is_credential, TEXTS)}

    sent = json.dumps(withhold(desired, KEY).properties)

    assert [secret for secret in known if json.dumps(secret)[1:-1] in sent] == []


def test_each_run_has_its_own_digests() -> None:
    kind = KIND_NAMES[0]
    desired = Desired(
        Address(kind, "prod", "churn"),
        {app(kind): {"Environment": {"PASSWORD": "hunter2", "MODE": "hunter2"}}},
        HERE,
        lambda _: HERE,
    )

    one, again, two = (withhold(desired, key) for key in (KEY, KEY, OTHERS))

    assert one.properties == again.properties != two.properties
    environment: Any = one.properties[app(kind)]
    # a short text is looked for at sensitive places alone: it may be anything elsewhere
    assert environment["Environment"]["MODE"] == "hunter2"
    assert environment["Environment"]["PASSWORD"].startswith("withheld:")
    assert len(environment["Environment"]["PASSWORD"]) == len("withheld:") + 64

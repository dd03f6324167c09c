"""What is read of each target, from a cloud that answers as it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import NoCredentialsError

from driftcheck.aws import Page, Summary, WrongAccountError
from driftcheck.desired import DesiredState
from driftcheck.fetch import Fetched, Limits, fetch
from driftcheck.live import DamagedAnswerError
from driftcheck.model import Address, Calls, Desired, Live, Location, Missing, Target, Unreadable
from driftcheck.pool import Stop

if TYPE_CHECKING:
    from driftcheck.kinds import Kind
    from driftcheck.model import Reading

KIND = "ModelQualityJobDefinition"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/a"
HERE = Location("desired.yaml", 1, 1)
MADE = datetime(2026, 11, 20, 8, tzinfo=UTC)


@dataclass
class Reached:
    """A target whose definitions are answered from a dict; an exception in it is raised."""

    definitions: dict[str, Any] = field(default_factory=dict)
    pages: dict[str | None, Any] = field(default_factory=dict)
    account: str | None = None
    region: str = "eu-west-1"
    asked: list[str] = field(default_factory=list)
    caller: Any = "123456789012"

    def identify(self) -> str:
        self.asked.append("identity")
        return given(self.caller)  # type: ignore[no-any-return]

    def describe(self, kind: Kind, name: str) -> Reading:
        self.asked.append(name)
        return given(self.definitions[name])  # type: ignore[no-any-return]

    def tagged(self, reading: Live) -> Live:
        self.asked.append("tags")
        return Live({**reading.properties, "Tags": []}, reading.arn, reading.created_at)

    def list(self, kind: Kind, token: str | None) -> Page:
        return given(self.pages[token]) if kind.name == KIND else Page((), None)


@dataclass
class Targets:
    reached: dict[str, Any]
    calls: Calls = field(default_factory=lambda: Calls(0, 0))

    def open(self, target: Target) -> Reached:
        return given(self.reached[target.name])  # type: ignore[no-any-return]


def given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def desired(name: str, target: str = "prod", **properties: Any) -> Desired:
    return Desired(Address(KIND, target, name), properties, HERE, lambda _: HERE)


def state(*definitions: Desired, targets: tuple[str, ...] = ("prod",)) -> DesiredState:
    return DesiredState(
        definitions,
        tuple(Target(name, account="210987654321") for name in targets),
        addresses=frozenset(each.address for each in definitions),
    )


def fetched(
    what: DesiredState, reached: dict[str, Any], *, unmanaged: bool = False, stop: Stop | None = None
) -> tuple[Fetched, dict[Address, Reading]]:
    readings: dict[Address, Reading] = {}

    def keep(desired: Desired, reading: Reading) -> None:
        assert desired.address not in readings
        readings[desired.address] = reading

    result = fetch(
        what,
        Targets(reached),
        Limits(concurrency=2, timeout=10, deadline=20),
        unmanaged=unmanaged,
        stop=stop or Stop(),
        keep=keep,
    )
    return result, readings


def test_every_definition_has_one_reading() -> None:
    live = Live({}, ARN, MADE)
    target = Reached({"a": live, "b": Missing(), "c": DamagedAnswerError("odd")})

    _, readings = fetched(state(desired("a"), desired("b"), desired("c")), {"prod": target})

    assert readings == {
        Address(KIND, "prod", "a"): live,
        Address(KIND, "prod", "b"): Missing(),
        Address(KIND, "prod", "c"): Unreadable("DamagedAnswer", f"Describe{KIND}: odd"),
    }


def test_tags_are_read_where_they_are_declared_and_the_definition_exists() -> None:
    target = Reached({"a": Live({}, ARN, MADE), "b": Missing(), "c": Live({}, ARN, MADE)})

    _, readings = fetched(state(desired("a", Tags=[]), desired("b", Tags=[]), desired("c")), {"prod": target})

    assert target.asked.count("tags") == 1
    tagged = readings[Address(KIND, "prod", "a")]
    assert isinstance(tagged, Live)
    assert tagged.properties == {"Tags": []}


def test_the_account_is_the_one_that_aws_answered_and_never_the_declared_one() -> None:
    names = ("one", "two", "three", "four")
    what = state(*(desired("a", name) for name in names), targets=names)
    three = Target("three", account="210987654321")
    live = Live({}, ARN, MADE)
    result, readings = fetched(
        what,
        {
            "one": Reached({"a": live}, account="111122223333"),
            "two": Reached({"a": live}),
            "three": WrongAccountError("444455556666", three),
            "four": NoCredentialsError(),
        },
    )

    assert [(each.name, each.account) for each in result.targets] == [
        ("one", "111122223333"),
        ("two", "123456789012"),
        ("three", "444455556666"),
        ("four", None),
    ]
    says = "the credentials are for account 444455556666, and target `three` is 210987654321"
    assert result.targets[2].error == Unreadable("WrongAccount", f"cannot reach the target: {says}")
    assert readings[Address(KIND, "three", "a")] == result.targets[2].error


def test_what_is_listed_and_not_declared_is_unmanaged_with_its_time_in_utc() -> None:
    made = datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=1)))
    pages = {
        None: Page((Summary("a", ARN, made), Summary("x", ARN, made)), "1"),
        "1": Page((), "2"),
        "2": Page((Summary("x", ARN, made), Summary("y", ARN, made)), None),
    }

    result, _ = fetched(state(desired("a")), {"prod": Reached({"a": Missing()}, pages)}, unmanaged=True)

    assert [address.name for address in result.unmanaged] == ["x", "y"]
    found = result.unmanaged[Address(KIND, "prod", "x")]
    assert found.created_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert result.targets[0].error is None


@pytest.mark.parametrize("slow", ["DataQualityJobDefinition", KIND])
def test_several_lists_that_fail_for_one_reason_are_told_as_one_whichever_came_first(slow: str) -> None:
    class Failing(Reached):
        def list(self, kind: Kind, token: str | None) -> Page:
            sleep(0.2 if kind.name == slow else 0)
            raise DamagedAnswerError("odd")

    result, _ = fetched(state(), {"prod": Failing()}, unmanaged=True)

    assert result.targets[0].error == Unreadable(
        "DamagedAnswer",
        "ListDataQualityJobDefinitions, ListModelBiasJobDefinitions, ListModelExplainabilityJobDefinitions, "
        "ListModelQualityJobDefinitions: odd",
    )


def test_the_account_is_known_although_a_list_failed() -> None:
    target = Reached({"a": Live({}, ARN, MADE)}, {None: DamagedAnswerError("odd")})

    result, _ = fetched(state(desired("a")), {"prod": target}, unmanaged=True)

    assert (result.targets[0].account, result.targets[0].error is None) == ("123456789012", False)


def test_credentials_are_masked_in_every_error() -> None:
    leaky = DamagedAnswerError("see https://user:hidden@proxy.example.com")
    pages: dict[str | None, Any] = {None: leaky}

    result, readings = fetched(state(desired("a")), {"prod": Reached({"a": leaky}, pages)}, unmanaged=True)

    assert "hidden" not in str(readings)
    assert "hidden" not in str(result.targets)


def test_a_run_that_was_stopped_before_it_began_reads_nothing() -> None:
    stop = Stop()
    stop.request()
    start = monotonic()

    result, readings = fetched(state(desired("a")), {"prod": Reached()}, unmanaged=True, stop=stop)

    assert monotonic() - start < 25
    (reading,) = readings.values()
    assert isinstance(reading, Unreadable)
    assert reading.code == "Interrupted"
    assert result.targets[0].error == reading

"""Which paths a pattern names, and how a place in a file is written."""

from __future__ import annotations

import dataclasses

import pytest

from driftcheck.model import Address, Location, Path, PathPattern

EXACT = PathPattern("A.B[1]", ("A", "B", 1))
ANY_KEY = PathPattern("A.*.C", ("A", None, "C"))
ANY_INDEX = PathPattern("A[*].C", ("A", None, "C"))


@pytest.mark.parametrize(
    ("pattern", "path", "covers", "meets"),
    [
        (EXACT, ("A", "B", 1), True, True),
        (EXACT, ("A", "B", 1, "under", 0), True, True),
        (EXACT, ("A", "B"), False, True),
        (EXACT, ("A",), False, True),
        (EXACT, ("A", "B", 2), False, False),
        (EXACT, ("A", "B", "1"), False, False),
        (EXACT, ("A", "BB", 1), False, False),
        (EXACT, ("a", "B", 1), False, False),
        (EXACT, ("X", "A", "B", 1), False, False),
        (EXACT, ("B", 1), False, False),
        (ANY_KEY, ("A", "x", "C"), True, True),
        (ANY_KEY, ("A", "", "C", "under"), True, True),
        (ANY_KEY, ("A", "x.C"), False, True),
        (ANY_KEY, ("A", "C"), False, True),
        (ANY_KEY, ("A", "x", "y", "C"), False, False),
        (ANY_KEY, ("A", "x", "D"), False, False),
        (ANY_INDEX, ("A", 0, "C"), True, True),
        (ANY_INDEX, ("A", 17, "C"), True, True),
        (ANY_INDEX, ("A", 0), False, True),
    ],
)
def test_a_pattern_covers_what_it_names_and_what_is_under_it(
    pattern: PathPattern, path: Path, covers: bool, meets: bool
) -> None:
    assert pattern.covers(path) is covers
    assert pattern.meets(path) is meets


def test_a_star_is_no_key_of_that_name() -> None:
    assert PathPattern('A["*"]', ("A", "*")).covers(("A", "*"))
    assert not PathPattern('A["*"]', ("A", "*")).covers(("A", "x"))


def test_a_location_is_written_as_compilers_do() -> None:
    assert str(Location("desired/churn.yaml", 4, 7)) == "desired/churn.yaml:4:7"


def test_addresses_and_locations_have_an_order() -> None:
    assert sorted([Address("B", "a", "a"), Address("A", "b", "a"), Address("A", "a", "b")]) == [
        Address("A", "a", "b"),
        Address("A", "b", "a"),
        Address("B", "a", "a"),
    ]
    assert Location("a", 9, 1) < Location("a", 10, 1) < Location("b", 1, 1)


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXACT.text = "B"  # type: ignore[misc]

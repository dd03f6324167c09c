"""YAML and JSON text to values: what the author typed stays, what is hostile is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest

from driftcheck.desired import json_, yaml_
from driftcheck.desired.written import MAX_DEPTH, MAX_VALUES, Shape, SyntaxFaultError, Written, resolve, shape

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}

TYPED_TEXTS = (
    *("NO", "no", "on", "off", "yes", "y", "true", "False", "TRUE", "~?", "~x", "nul", "nulls"),
    *("0123", "1.10", "22:30", "1e3", "0x1F", "0o17", "1_000", "+5", ".5", "-0", "1.", "007", "12e03"),
    *("2026-11-25", "2026-11-25T02:17:00Z", ".inf", "-.INF", ".nan", "=", "<<", "a b", "a#b", "${x}"),
)


def value_of(written: Written, schema: dict[str, Any]) -> Any:
    return resolve(written.value, Shape(members={"it": shape(schema, {})}))["it"]  # type: ignore[call-overload,index]


def refused(read: Any, text: str) -> tuple[int, int, str]:
    with pytest.raises(SyntaxFaultError) as caught:
        read(text)
    return (*caught.value.mark, str(caught.value))


@pytest.mark.parametrize("text", TYPED_TEXTS)
@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"'])
def test_a_text_under_a_string_member_stays_what_was_typed(text: str, form: str) -> None:
    written = yaml_.parse(f"it: {form.format(text)}\n")

    assert value_of(written, STRING) == text


@pytest.mark.parametrize("word", ["", "~", "null", "Null", "NULL"])
def test_an_unquoted_null_is_null_even_under_a_string_member(word: str) -> None:
    assert value_of(yaml_.parse(f"it: {word}\n"), STRING) is None


@pytest.mark.parametrize("word", ["~", "null", "NULL", ""])
def test_a_quoted_null_word_is_text(word: str) -> None:
    assert value_of(yaml_.parse(f"it: '{word}'\n"), STRING) == word


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("20", INTEGER, 20),
        ("-3", INTEGER, -3),
        ("20.0", INTEGER, 20),
        ("1e3", INTEGER, 1000),
        ("1.5", INTEGER, 1.5),  # for the schema to refuse
        ("1", NUMBER, 1.0),
        (".5", NUMBER, 0.5),
        ("0.750", NUMBER, 0.75),
        ("true", BOOLEAN, True),
        ("False", BOOLEAN, False),
    ],
)
def test_an_unquoted_scalar_is_read_in_the_type_of_its_member(
    text: str, schema: dict[str, Any], value: float
) -> None:
    found = value_of(yaml_.parse(f"it: {text}\n"), schema)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        *(
            (text, INTEGER)
            for text in ("0x1F", "0123", "1_000", "22:30", "'20'", "'1.0'", "1e999", ".inf", "٣")
        ),
        *((text, NUMBER) for text in (".nan", "-.inf", "1e999", "'0.5'")),
        *((text, BOOLEAN) for text in ("yes", "on", "NO", "'true'", "tRue")),
    ],
)
def test_what_two_readers_could_take_for_two_things_is_text_for_the_schema_to_refuse(
    text: str, schema: dict[str, Any]
) -> None:
    assert value_of(yaml_.parse(f"it: {text}\n"), schema) == text.strip("'")


def test_keys_stay_what_was_typed() -> None:
    written = yaml_.parse("NO: a\non: b\n1.10: c\nnull: d\n0x1F: e\n")

    assert resolve(written.value, Shape(others=shape(STRING, {}))) == {
        "NO": "a",
        "on": "b",
        "1.10": "c",
        "null": "d",
        "0x1F": "e",
    }


def test_json_keeps_types_and_escapes() -> None:
    written = json_.parse('{"a": [1, 1.0, -2e2, "\\u00e9\\ud83d\\ude00", "1", true, null, {}]}')

    assert resolve(written.value, Shape()) == {"a": [1, 1.0, -200.0, "é😀", "1", True, None, {}]}


@pytest.mark.parametrize(
    ("read", "text", "places"),
    [
        (yaml_.parse, "a: 1\nb: 2\na: 3\n", [(3, 1)]),
        (yaml_.parse, "a: 1\nx:\n  - {a: 2, 'a': [3]}\na: {a: 4, a: 5}\n", [(3, 12), (4, 1), (4, 11)]),
        (json_.parse, '{"a": 1,\n "a": 2}', [(2, 2)]),
        (json_.parse, '{"a": 1, "x": [{"a": 2,\n"a": 3}],\n"a": {}}', [(2, 1), (3, 1)]),
    ],
)
def test_every_duplicate_key_is_told_and_the_first_one_is_read(
    read: Any, text: str, places: list[tuple[int, int]]
) -> None:
    written = read(text)

    assert [mark for mark, _ in written.repeated] == places
    assert all(message.startswith("duplicate key 'a', first on line ") for _, message in written.repeated)
    assert resolve(written.value, Shape())["a"] == 1  # type: ignore[call-overload,index]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (yaml_.parse, "a: 1\na: {x: [1, &n {y: 2}]}\nb: {c: null,\n    c: null, d: *n}\n"),
        (json_.parse, '{"a": 1,\n"a": {"x": [1, {"y": 2}]},\n"b": {"c": null,\n"c": null, "d": {"y": 2}}}'),
    ],
)
def test_what_follows_a_duplicate_key_is_where_it_stands(read: Any, text: str) -> None:
    written = read(text)

    assert resolve(written.value, Shape()) == {"a": 1, "b": {"c": None, "d": {"y": 2}}}
    assert written.mark(("a",)).line == 1
    assert written.mark(("b",)).line == 3
    assert written.mark(("b", "c")).line == 3
    assert written.mark(("b", "d")).line == 4
    assert len(written.marks) == 1 + 2 + 2 + 1


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: !!str x\n", 1, 4, "a tag (!...) is not allowed"),
        ("a: !secret x\n", 1, 4, "a tag (!...) is not allowed"),
        ("a: !!python/object/apply:os.system [id]\n", 1, 4, "a tag (!...) is not allowed"),
        ("a: &x 1\n<<: *x\n", 2, 1, "merge keys (<<) are not allowed"),
        ("a: &x [*x]\n", 1, 8, "an alias stands inside what it repeats"),
        ("a: *x\n", 1, 4, "alias"),
        ("? [a]\n: 1\n", 1, 3, "a key must be text"),
        ("{[a]: 1}\n", 1, 2, "a key must be text"),
        ("a: &x b\n*x : 1\n", 2, 1, "an alias as a key"),
        ("~: 1\n", 1, 1, "an empty key"),
        ("? \n: 1\n", 1, 1, "an empty key"),
        ("a: 1\n---\na: 2\n", 2, 1, "a second document"),
        ("a: 1\n...\n---\n", 3, 1, "a second document"),
        ("", 1, 1, "the file is empty"),
        ("# nothing\n\n", 1, 1, "the file is empty"),
        ("a:\n\tb: 1\n", 2, 1, "not YAML"),
        ("a: [1,\n", 2, 1, "not YAML"),
        ("a: 1\n b: 2\n", 2, 3, "not YAML"),
        ("a: x\0y\n", 1, 5, "not YAML"),
        ('a: "\\ud800"\n', 1, 4, "not YAML"),
        ("a: x\x85y\n", 1, 5, "ambiguous in YAML"),
        ("a: x\u2028y\n", 1, 5, "ambiguous in YAML"),
    ],
)
def test_yaml_that_a_desired_file_may_not_hold_is_refused_at_its_place(
    text: str, line: int, column: int, says: str
) -> None:
    found = refused(yaml_.parse, text)

    assert says in found[2]
    assert found[0] == line
    assert abs(found[1] - column) <= 3  # libyaml points at or just after what it cannot read


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ('{"a": NaN}', 1, 7, "expected a value"),
        ('{"a": -Infinity}', 1, 7, "expected a value"),
        ('{"a": 1e999}', 1, 7, "too large a number"),
        ('{"a": 01}', 1, 8, "expected ','"),
        ('{"a": 1,}', 1, 9, "a key in double quotes"),
        ("{'a': 1}", 1, 2, "a key in double quotes"),
        ('{"a" 1}', 1, 6, "expected ':'"),
        ("[1] []", 1, 5, "more text after the value"),
        ('"a', 1, 1, "Unterminated string"),
        ('"a\tb"', 1, 3, "Invalid control character"),
        ('"\\ud800"', 1, 1, "half of a surrogate pair"),
        ("\0", 1, 1, "expected a value"),
        ("", 1, 1, "the file is empty"),
        (" \n ", 2, 2, "the file is empty"),
        ("// no\n1", 1, 1, "expected a value"),
    ],
)
def test_text_that_is_not_strict_json_is_refused_at_its_place(
    text: str, line: int, column: int, says: str
) -> None:
    found = refused(json_.parse, text)

    assert says in found[2]
    assert found[:2] == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "a: &secret-word 1\nb: *hunter2\n",
        "a: !hunter2 x\n",
        "a: &hunter2 [*hunter2]\n",
        "a: [hunter2\n",
        "a: 'hunter2\n",
        "hunter2\n: x: y\n",
    ],
)
def test_what_is_wrong_with_yaml_is_said_without_the_value(text: str) -> None:
    assert "hunter2" not in refused(yaml_.parse, text)[2]


@pytest.mark.parametrize(
    "text", ['{"a": hunter2}', '{"a": "hunter2}', '{"a": "hunter2" "b"}', '{"a": 2hunter2}']
)
def test_what_is_wrong_with_json_is_said_without_the_value(text: str) -> None:
    assert "hunter2" not in refused(json_.parse, text)[2]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (yaml_.parse, "[" * 100_000),
        (yaml_.parse, "[" * 65 + "]" * 65),
        (yaml_.parse, "{a: " * 65 + "}" * 65),
        (yaml_.parse, "- " * 100_000),
        (yaml_.parse, "".join(f"{' ' * depth}a:\n" for depth in range(500))),
        (json_.parse, "[" * 100_000),
        (json_.parse, '{"a":' * 100_000),
    ],
    ids=["flow", "flow-65", "flow-mapping", "block-list", "block", "json-list", "json-mapping"],
)
def test_deep_nesting_is_refused(read: Any, text: str) -> None:
    assert "nest" in refused(read, text)[2]


@pytest.mark.parametrize("read", [yaml_.parse, json_.parse], ids=["yaml", "json"])
def test_nesting_up_to_the_limit_is_read(read: Any) -> None:
    assert isinstance(read("[" * MAX_DEPTH + "]" * MAX_DEPTH).value, list)


@pytest.mark.law
@pytest.mark.parametrize("read", [yaml_.parse, json_.parse], ids=["yaml", "json"])
def test_more_values_than_any_real_file_has_are_refused(read: Any) -> None:
    says = refused(read, f"[{','.join(['[]'] * MAX_VALUES)}]")[2]

    assert says == "more than 500,000 values: split the file"


def test_aliases_that_multiply_are_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    line, _, says = refused(yaml_.parse, "\n".join(rows))

    # ten times a1 to a3 are 12,330 values; a4 repeats a3, of 11,111, ten times
    assert (line, says) == (5, "aliases repeat more than 100,000 values")


def test_an_alias_of_a_long_text_counts_for_its_length() -> None:
    text = f"a: &a '{'x' * 1_000_000}'\nb: [{', '.join(['*a'] * 100)}]\n"

    assert refused(yaml_.parse, text)[2] == "aliases repeat more than 100,000 values"


def test_a_few_aliases_are_what_they_repeat() -> None:
    written = yaml_.parse("a: &x {k: NO}\nb: [*x, *x]\n")

    assert resolve(written.value, Shape()) == {"a": {"k": "NO"}, "b": [{"k": "NO"}, {"k": "NO"}]}


def test_a_long_key_is_cut_in_a_message() -> None:
    key = "k" * 1_000_000

    [(_, message)] = json_.parse(f'{{"{key}": 1, "{key}": 2}}').repeated

    assert len(message) < 200

"""JSON Schema of the desired file, from the shapes of botocore's service model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from driftcheck.kinds import IDENTIFIER, KINDS, ListShape, MapShape, StructureShape, is_void

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftcheck.kinds import Kind, Shape

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = r"\$\{"
"""Where a string holds a ``${...}``, its final text is known only once a target is chosen."""

_CATEGORY = r"\p{"
"""Unicode categories, as in the patterns of tags: JSON Schema does not ask every validator to know them, and
Python's ``re``, which many use, refuses the whole schema for one."""

_SCALARS = {
    "string": "string",
    "integer": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
}


def file_schema(*, references: bool = False) -> Schema:
    """The schema of one desired file: of the project's own format, or a bare answer of Describe.

    ``references`` is for editors and other validators: it lets a string that holds ``${...}`` past its enum,
    pattern and length, since they do not know the targets, and leaves out patterns that some cannot read.
    """
    return {
        "$schema": DIALECT,
        "title": "driftcheck desired state",
        "description": "Amazon SageMaker Model Monitor job definitions as they should be.",
        "type": "object",
        "properties": _declared()["properties"],
        "if": {"required": [IDENTIFIER]},
        "then": {"anyOf": [{"$ref": f"#/$defs/{kind.name}"} for kind in KINDS.values()]},
        "else": {
            "required": _declared()["required"],
            "not": _declared()["not"],
            "propertyNames": {"enum": list(_declared()["properties"])},
        },
        "$defs": _definitions(references=references),
    }


@cache
def declared_schema() -> Schema:
    """The strict schema of a desired file of the project's own format."""
    return _declared() | {"$schema": DIALECT, "$defs": _definitions()}


@cache
def definition_schema(kind: Kind) -> Schema:
    """The strict schema of one definition, which a bare answer of Describe meets as well."""
    one: Schema = _definitions()[kind.name]
    return one | {"$schema": DIALECT, "$defs": _definitions()}


@cache
def _declared() -> Schema:
    name = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "The version of this format."},
            "target": name | {"description": "A target of driftcheck.toml."},
            "targets": {
                "type": "array",
                "items": name,
                "minItems": 1,
                "uniqueItems": True,
                "description": "Targets of driftcheck.toml, each of which holds these definitions.",
            },
        }
        | {
            kind.collection: {"type": "array", "items": {"$ref": f"#/$defs/{kind.name}"}}
            for kind in KINDS.values()
        },
        "required": ["version"],
        "not": {"type": "object", "required": ["target", "targets"]},
        "additionalProperties": False,
    }


@cache
def _definitions(*, references: bool = False) -> Schema:
    """Every shape that the kinds are made of, by name."""
    definitions: Schema = {"lifecycle": _LIFECYCLE}
    for kind in KINDS.values():
        definitions[kind.name] = _definition(kind, definitions, references=references)
    return definitions


def _definition(kind: Kind, definitions: Schema, *, references: bool) -> Schema:
    schema = _structure(kind.request, definitions, references=references)
    schema["properties"] |= {
        member: {"description": "Assigned by the server; accepted, and not compared."}
        for member in sorted(kind.server_assigned)
    }
    schema["properties"]["lifecycle"] = {"$ref": "#/$defs/lifecycle"}
    return schema | {"description": f"What {kind.describe} returns."}


def _reference(shape: Shape, definitions: Schema, *, references: bool) -> Schema:
    if shape.name not in definitions:
        definitions[shape.name] = {}
        definitions[shape.name] = _schema(shape, definitions, references=references)
    return {"$ref": f"#/$defs/{shape.name}"}


def _schema(shape: Shape, definitions: Schema, *, references: bool) -> Schema:
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        return _structure(shape, definitions, references=references)
    if isinstance(shape, ListShape):
        element = _reference(shape.member, definitions, references=references)
        return {"type": "array", "items": element} | _limits(limits, "minItems", "maxItems")
    if isinstance(shape, MapShape):
        return {
            "type": "object",
            "propertyNames": _reference(shape.key, definitions, references=False),
            "additionalProperties": _reference(shape.value, definitions, references=references),
        } | _limits(limits, "minProperties", "maxProperties")
    schema: Schema = {"type": _SCALARS[shape.type_name]}
    if schema["type"] != "string":
        return schema | _limits(limits, "minimum", "maximum")
    rules = _limits(limits, "minLength", "maxLength")
    if shape.enum:
        rules["enum"] = list(shape.enum)
    pattern = limits.get("pattern")
    if pattern and not (references and _CATEGORY in pattern):
        rules["pattern"] = f"^(?:{pattern})$"
    if references and rules:
        return schema | {"anyOf": [rules, {"pattern": REFERENCE}]}
    return schema | rules


def _structure(shape: StructureShape, definitions: Schema, *, references: bool) -> Schema:
    properties = {
        name: _reference(member, definitions, references=references) for name, member in shape.members.items()
    }
    if references:
        # a `{}` that equals an absent block is taken out before the strict schema is asked
        properties |= {
            name: {"if": {"type": "object", "maxProperties": 0}, "else": schema}
            for name, schema in properties.items()
            if is_void(shape, name, {})
        }
    return {
        "type": "object",
        "properties": properties,
        "required": list(shape.required_members),
        "additionalProperties": False,
    }


def _limits(metadata: dict[str, Any], least: str, most: str) -> Schema:
    return {key: metadata[of] for of, key in (("min", least), ("max", most)) if of in metadata}


_PATH: Schema = {
    "type": "string",
    "minLength": 1,
    "description": 'A member, with what is under it: NetworkConfig, Tags[*].Value, Environment["a.b"]',
}

_LIFECYCLE: Schema = {
    "type": "object",
    "description": "How driftcheck treats this definition.",
    "properties": {
        "ignore_changes": {
            "type": "array",
            "description": "Differences that are known and not reported as drift.",
            "items": {
                "anyOf": [
                    _PATH,
                    {
                        "type": "object",
                        "properties": {
                            "path": _PATH,
                            "reason": {"type": "string"},
                            "until": {
                                "type": "string",
                                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                                "description": "The last day (UTC) on which the rule hides anything.",
                            },
                        },
                        "required": ["path"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
        "sensitive": {
            "type": "array",
            "description": "Members whose values are never shown.",
            "items": _PATH,
        },
    },
    "additionalProperties": False,
}


def step_into(schema: Schema, step: str | int | None, definitions: Schema) -> list[Schema]:
    """The schemas of what stands under a step: a member, a map key, a list index, or any of them (None)."""
    found = dereferenced(schema, definitions)
    if found.get("type") == "array":
        beyond = isinstance(step, int) and step >= found.get("maxItems", step + 1)
        return [] if isinstance(step, str) or beyond else [found["items"]]
    properties = found.get("properties", {})
    others = found.get("additionalProperties")
    if step is None:
        return [*properties.values(), *([others] if others else [])]
    if isinstance(step, int):
        return []
    if step in properties:
        return [properties[step]]
    return [others] if others else []


def member_names(schema: Schema, definitions: Schema) -> list[str]:
    """The names that a schema declares, for finding the one that was meant."""
    return list(dereferenced(schema, definitions).get("properties", {}))


def dereferenced(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a ``$ref`` leads to, or the schema itself."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema

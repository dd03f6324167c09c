"""JSON: the document, and nothing that a log of a build obeys."""

from __future__ import annotations

import json

from driftcheck.document import loads
from driftcheck.render import render
from tests.documents import changed, document, drifted


def test_no_value_is_a_command_to_the_log_of_a_build() -> None:
    given = document(drifted(changed(("RoleArn",), "##[error]x", "\\##vso[task.x]####[y]"), name="##[z]"))

    text = render(given, "json")

    assert "##" not in text
    assert loads(text, "r.json") == json.loads(text) == given

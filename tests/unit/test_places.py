"""Where things may be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftcheck.places import Prefix, place


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://states", "states", "x.state"),
        ("s3://states/", "states", "x.state"),
        ("s3://states/fleet", "states", "fleet/x.state"),
        ("s3://states/fleet/nightly/", "states", "fleet/nightly/x.state"),
        ("s3://my.states-1/Team=ml/a_b.c", "my.states-1", "Team=ml/a_b.c/x.state"),
    ],
)
def test_a_prefix_of_a_bucket(text: str, bucket: str, key: str) -> None:
    found = place(text)

    assert isinstance(found, Prefix)
    assert (found.bucket, found.key("x.state"), str(found)) == (bucket, key, text.rstrip("/"))


@pytest.mark.parametrize("text", ["state", "./a/b", "/srv/state", "a:b", "..", "C:/state"])
def test_a_folder(text: str) -> None:
    assert place(text) == Path(text)


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///prefix",
        "s3:/states/prefix",
        "S3://states/prefix",
        "s3://states//prefix",
        "s3://states/prefix//",
        "s3://states/../other",
        "s3://states/a/../b",
        "s3://states/./b",
        "s3://states/a?versionId=1",
        "s3://states/a#b",
        "s3://states/a b",
        "s3://states/a\n",
        "s3://states/a%2e%2e",
        "s3://states/*",
        "s3://states/${aws:username}",
        "s3://Capital/a",
        "s3://st..ates/a",
        "s3://ab",
        f"s3://{'a' * 64}/a",
        f"s3://states/{'a' * 701}",
        "s3://key:secret@states/a",
        "https://states.s3.amazonaws.com/a",
        "gs://states/a",
        "file:///tmp/a",
    ],
)
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="is no place: write a folder, or s3://bucket/prefix"):
        place(text)

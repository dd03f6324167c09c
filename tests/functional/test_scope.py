"""Every format says what its verdict is about, what nobody looked for, and where nothing was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import DENIED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

FORMATS = ("r.txt", "r.md", "r.html", "r.xml", "r.sarif")
OTHER = "us-east-1"
TARGETS = f'[targets.prod-eu]\nregion = "{REGION}"\n[targets.prod-us]\nregion = "{OTHER}"\n'


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    (tmp_path / "driftcheck.toml").write_text(TARGETS)
    definitions = [minimal(MODEL_QUALITY, name) for name in ("m001", "m002", "other")]
    write_desired(tmp_path, {MODEL_QUALITY: definitions}, targets=["prod-eu", "prod-us"])
    for definition in definitions:
        for region in (REGION, OTHER):
            service.create(MODEL_QUALITY, definition, region=region)


def formats(run: Run, tmp_path: Path, name: str) -> Mapping[str, str]:
    """Each format of a result; in Markdown without code spans."""
    options = [option for file in FORMATS for option in ("-o", file)]
    assert run("report", name, *options, "--quiet").exit_code == 0
    found = {file: (tmp_path / file).read_text("utf-8") for file in FORMATS}
    found["comment"] = run("comment", name, "--dry-run").stdout
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    found["annotations"] = run("comment", name, env=actions).stdout
    return {file: " ".join(text.replace("`", "").split()) for file, text in found.items()}


def test_a_narrowed_run_says_so_in_every_format(service: Service, run: Run, tmp_path: Path) -> None:
    service.mutate(MODEL_QUALITY, "m001", ("RoleArn",), "arn:aws:iam::123456789012:role/other")
    for args, says in (
        (("--select", "m00*"), "--select m00*"),
        (("--target", "prod-eu"), "targets: prod-eu"),
        (("--select", "m00*", "--target", "prod-eu"), "--select m00*; targets: prod-eu"),
        (("--shard", "1/2", "--select", "m*"), "shard 1 of 2; --select m*"),
    ):
        run("check", *args, "-o", "r.json")
        for name, text in formats(run, tmp_path, "r.json").items():
            # without drift there is no annotation, and so no claim
            assert f"({says})" in text or (name, text) == ("annotations", ""), name


def test_a_run_of_everything_claims_everything(run: Run) -> None:
    assert "AWS matches everything that is declared.\n" in run("check").stdout
    all_of_them = run("check", "--target", "prod-eu", "--target", "prod-us").stdout
    assert "AWS matches everything that is declared.\n" in all_of_them


def test_a_merge_is_about_the_targets_of_its_parts(run: Run) -> None:
    for target in ("prod-eu", "prod-us"):
        run("check", "--target", target, "-o", f"{target}.json")

    one = run("merge", "prod-eu.json", "--target", "prod-eu").stdout
    both = run("merge", "prod-eu.json", "prod-us.json").stdout

    assert "everything that is declared (targets: prod-eu).\n" in one
    assert "everything that is declared.\n" in both
    for index in (1, 2):
        run("check", "--target", "prod-eu", "--shard", f"{index}/2", "-o", f"{index}.json")
    assert "everything that is declared (targets: prod-eu).\n" in run("merge", "1.json", "2.json").stdout


def test_where_nobody_looked_the_number_of_unmanaged_is_not_known(
    service: Service, run: Run, tmp_path: Path
) -> None:
    run("check", "--no-unmanaged", "-o", "r.json")
    found = formats(run, tmp_path, "r.json")
    assert "6 declared: 6 in sync; unmanaged not known. Coverage not known." in found["r.txt"]
    assert "| 6 | 6 | 0 | 0 | 0 | not known | not known |" in found["r.md"]
    assert "</span> unmanaged</dt><dd>not known</dd>" in found["r.html"]
    assert "| 6 | 6 | 0 | 0 | not known | 0 |" in found["comment"].replace("**", "")

    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))
    service.fail(DENIED, action="ListModelBias*")
    run("check", "-o", "r.json")
    found = formats(run, tmp_path, "r.json")
    assert "6 declared: 6 in sync; at least 1 unmanaged. Coverage not known." in found["r.txt"]
    assert "| 6 | 6 | 0 | 0 | 0 | at least 1 | not known |" in found["r.md"].replace("**", "")
    assert "</span> unmanaged</dt><dd>at least 1</dd>" in found["r.html"]
    assert "| 6 | 6 | 0 | 0 | at least 1 | 0 |" in found["comment"].replace("**", "")


def test_where_nothing_was_found_every_format_asks_for_account_and_region(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in "ab"]})
    env = {"AWS_REGION": "sa-east-1"}

    assert run("check", "-o", "r.json", env=env).exit_code == 2

    for name, text in formats(run, tmp_path, "r.json").items():
        account = "…9012" if name in {"comment", "annotations"} else "123456789012"
        says = f"None of the 2 exists in account {account}, region sa-east-1: are account and region right?"
        assert text.count(says) == 1, name
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "a"), region="sa-east-1")
    assert "None of" not in run("check", env=env).stdout

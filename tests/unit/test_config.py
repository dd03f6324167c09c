"""``driftcheck.toml``: what it may say, and what is told of one that says anything else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from driftcheck.config import Nightly, choose, encryption, every, load, nightly, plain_keys
from driftcheck.errors import DriftcheckError
from driftcheck.model import Target

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::123456789012:role/driftcheck"


def errors(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "driftcheck.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DriftcheckError) as caught:
        load(file, file)
    lines = list(caught.value.lines)
    assert all(line.startswith(f"{file}: error: ") for line in lines)
    return [line.removeprefix(f"{file}: error: ") for line in lines]


def test_a_target_has_all_that_the_operator_says(tmp_path: Path) -> None:
    file = tmp_path / "driftcheck.toml"
    file.write_text(
        f"""
[targets.prod-eu]
region = "eu-west-1"
account = "123456789012"
role_arn = "{ROLE}"
external_id = "x-1"
[targets.prod-eu.vars]
bucket = "ml-prod-eu"
empty = ""
[targets.dev]
profile = "dev"
""",
        encoding="utf-8",
    )

    assert load(file, tmp_path / "other.toml") == {
        "prod-eu": Target(
            "prod-eu",
            region="eu-west-1",
            account="123456789012",
            role_arn=ROLE,
            external_id="x-1",
            variables={"bucket": "ml-prod-eu", "empty": ""},
        ),
        "dev": Target("dev", profile="dev"),
    }


def test_without_a_file_there_are_no_targets(tmp_path: Path) -> None:
    assert load(None, tmp_path / "driftcheck.toml") == {}


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"

    with pytest.raises(DriftcheckError) as caught:
        load(file, tmp_path / "driftcheck.toml")

    assert str(caught.value) == f"{file}: error: cannot be read: No such file or directory"


@pytest.mark.parametrize("make", ["link", "folder", "latin"])
def test_a_default_file_that_cannot_be_read_is_an_error(tmp_path: Path, make: str) -> None:
    file = tmp_path / "driftcheck.toml"
    if make == "link":
        file.symlink_to("nowhere")
    elif make == "folder":
        file.mkdir()
    else:
        file.write_bytes(b'x = "caf\xe9"')

    with pytest.raises(DriftcheckError, match="error: "):
        load(None, file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[target.a]", "unknown key `target`: did you mean `targets`?"),
        ("[targets.a]\nregoin = 'x'", "unknown key `regoin` in [targets.a]: did you mean `region`?"),
        ("[targets.a]\naws_secret_access_key = 'x'", "unknown key `aws_secret_access_key` in [targets.a]"),
        ("[targets.a]\nregion = 3", "`targets.a.region` must be a string"),
        ("[targets.a]\nregion = ''", "`targets.a.region` is empty"),
        ("[redact]\nplain_key = ['A']", "unknown key `plain_key` in [redact]: did you mean `plain_keys`?"),
        ("[redact]\nplain_keys = 'S3_KEY'", "`redact.plain_keys` must be a list"),
        ("[redact]\nplain_keys = [1]", "`redact.plain_keys.0` must be a string"),
        ("[redact]\nplain_keys = ['']", "`redact.plain_keys.0` is empty"),
        ("[redact]\nplain_keys = ['A', 'A']", "`redact.plain_keys` names one twice"),
        ("[targets.a]\nregion = 'EU West'", "`targets.a.region` is no region, such as eu-west-1"),
        ("[targets.a]\naccount = 123456789012", "`targets.a.account` must be a string"),
        ("[targets.a]\naccount = '1234'", "`targets.a.account` is no account: 12 digits"),
        ("[targets.a]\nrole_arn = 'role/x'", "`targets.a.role_arn` is no ARN of an IAM role"),
        ("[targets.a]\nexternal_id = 'x'", "external_id needs role_arn in [targets.a]"),
        ("[s3]\nsse_kms_key_id = 'x'", "sse_kms_key_id needs sse in [s3]"),
        ("[s3]\nsse = 'kms'", "`s3.sse` is no encryption of S3: write AES256, aws:kms or aws:kms:dsse"),
        ("[s3]\nsse_kms_key = 'x'", "unknown key `sse_kms_key` in [s3]: did you mean `sse_kms_key_id`?"),
        ("[targets.a.vars]\nbucket = 1", "`targets.a.vars.bucket` must be a string"),
        ("[targets.a.vars]\n'a b' = 'x'", "`a b` in [targets.a.vars] is no name"),
        ("[targets.'a b']", "`a b` in [targets] is no name"),
        ("[targets.a]\nregion = 2026-11-25", "`targets.a.region` must be a string"),
        ("[targets.a]\nregion = nan", "`targets.a.region` must be a string"),
        ("targets = []", "`targets` must be a table"),
        ("targets = 1" + "0" * 5_000, "not TOML: "),
        ("[targets.a]\n[targets.a]", "not TOML: "),
        ("a = ", "not TOML: "),
        ("a = " + "[" * 100_000, "not TOML: "),
    ],
)
def test_what_no_target_has_is_told_with_what_was_meant(tmp_path: Path, text: str, says: str) -> None:
    found = errors(tmp_path, text)

    assert any(line.startswith(says) for line in found), found
    assert all("\n" not in line for line in found)


def test_everything_wrong_is_told_at_once_and_without_values(tmp_path: Path) -> None:
    found = errors(
        tmp_path,
        "[targets.a]\nregion = 'hunter 2'\nexternal_id = 'hunter2'\npasword = 'hunter2'\n"
        "token = 'hunter2'\nprofile = ['hunter2']\n",
    )

    assert len(found) == 5
    assert "hunter" not in "".join(found)


def test_a_target_that_is_asked_for_has_to_be_one() -> None:
    targets = {"prod-eu": Target("prod-eu")}
    choose(targets, ["prod-eu", "default"])

    with pytest.raises(DriftcheckError) as caught:
        choose(targets, ["prod-u"])

    assert str(caught.value) == "error: unknown target `prod-u`: did you mean `prod-eu`?"


def night(tmp_path: Path, text: str) -> Nightly:
    file = tmp_path / "driftcheck.toml"
    file.write_text(text, encoding="utf-8")
    assert load(file, file) == {}
    return nightly(file, file)


def test_the_nightly_run_has_a_heartbeat(tmp_path: Path) -> None:
    url = "https://hc.example.com/ping/0b1c"

    assert night(tmp_path, f'[nightly]\nping = "{url}"') == Nightly(ping=url)
    assert night(tmp_path, "[nightly]") == night(tmp_path, "") == Nightly()
    assert nightly(None, tmp_path / "absent.toml") == Nightly()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("[nightly]", None),
        ("[nightly]\nevery = '24h'", timedelta(days=1)),
        ("[nightly]\nevery = '90s'\nping = '${env:NOT_SET_HERE}'", timedelta(seconds=90)),
    ],
)
def test_a_run_may_be_expected_every_so_often(tmp_path: Path, text: str, expected: timedelta | None) -> None:
    file = tmp_path / "driftcheck.toml"
    file.write_text(text, encoding="utf-8")

    assert every(file, file) == expected


def test_what_is_put_on_s3_is_encrypted_as_the_operator_says(tmp_path: Path) -> None:
    file = tmp_path / "driftcheck.toml"
    file.write_text("[s3]\nsse = 'aws:kms'\nsse_kms_key_id = 'alias/drift'", encoding="utf-8")

    assert encryption(file, file) == (("ServerSideEncryption", "aws:kms"), ("SSEKMSKeyId", "alias/drift"))
    assert encryption(None, tmp_path / "absent.toml") == ()


def test_the_operator_says_which_keys_are_no_secrets(tmp_path: Path) -> None:
    file = tmp_path / "driftcheck.toml"
    assert plain_keys(None, file) == frozenset()
    file.write_text('[redact]\nplain_keys = ["S3_KEY", "JOIN_KEY"]\n', encoding="utf-8")

    assert plain_keys(None, file) == {"S3_KEY", "JOIN_KEY"}


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEART", "hc.example.com/${env:HOME}")

    found = night(tmp_path, '[nightly]\nping = "https://${env:HEART}"')

    assert found.ping == "https://hc.example.com/${env:HOME}"


@pytest.mark.parametrize(
    "value", ["hunter2", "ftp://hunter2/", "http://", "https:///hunter2", "${env:HEART}"]
)
def test_a_heartbeat_that_is_no_url_is_told_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HEART", "hunter2")

    with pytest.raises(DriftcheckError, match=r"error: \[nightly\] ping is no http or https URL$"):
        night(tmp_path, f'[nightly]\nping = "{value}"')


def test_a_variable_that_is_not_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEART", raising=False)

    with pytest.raises(
        DriftcheckError, match=r"\[nightly\] ping: the environment variable HEART is not set$"
    ):
        night(tmp_path, '[nightly]\nping = "${env:HEART}"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[nightly]\npign = 'x'", "unknown key `pign` in [nightly]: did you mean `ping`?"),
        ("[nightly]\nping = 1", "`nightly.ping` must be a string"),
        ("[nightly]\nping = ''", "`nightly.ping` is empty"),
        ("nightly = 1", "`nightly` must be a table"),
        ("[nightly]\nevery = '0h'", "`nightly.every` is no time between two runs, such as 24h"),
        ("[nightly]\nevery = 24", "`nightly.every` must be a string"),
        ("[nigthly]", "unknown key `nigthly`: did you mean `nightly`?"),
    ],
)
def test_what_a_nightly_run_has_not_is_told(tmp_path: Path, text: str, expected: str) -> None:
    assert errors(tmp_path, text) == [expected]

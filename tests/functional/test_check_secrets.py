"""Rules of ``lifecycle``, and that no sensitive value of either side gets out in any way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.functional.cloud import ABSENT
from tests.functional.definitions import ACCOUNT, DATA_QUALITY, MODEL_QUALITY, full, write_desired
from tests.functional.faults import Refuse
from tests.functional.results import check, valid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

APP = "ModelQualityAppSpecification"
INSTANCE = ("JobResources", "ClusterConfig", "InstanceType")
FILES = ("r.txt", "r.json", "r.md", "r.html", "r.xml", "r.sarif")
ACCESS_KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
PRESIGNED = "https://bucket.s3.amazonaws.com/key?X-Amz-Signature="


def with_rules(name: str, *rules: object, **lifecycle: object) -> dict[str, Any]:
    return {**full(MODEL_QUALITY, name), "lifecycle": {"ignore_changes": list(rules), **lifecycle}}


def test_a_rule_hides_what_it_names_and_is_listed(service: Service, run: Run, tmp_path: Path) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    declared = [
        with_rules("one", f"{APP}.Environment.BUILD_ID"),
        with_rules(
            "two", {"path": ".".join(INSTANCE), "reason": "rightsizing experiment", "until": tomorrow}
        ),
        with_rules("three", f"{APP}.Environment.BUILD"),
        with_rules("four", "NetworkConfig.VpcConfig.Subnets[*]", "Tags"),
    ]
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    for definition in declared:
        service.create(MODEL_QUALITY, full(MODEL_QUALITY, definition["JobDefinitionName"]))
    build = (APP, "Environment", "BUILD_ID")
    service.mutate(MODEL_QUALITY, "one", build, "0124")
    service.mutate(MODEL_QUALITY, "two", INSTANCE, "ml.m5.4xlarge")
    service.mutate(MODEL_QUALITY, "three", build, "0124")
    service.mutate(MODEL_QUALITY, "four", ("NetworkConfig", "VpcConfig", "Subnets", 1), "subnet-0new")
    service.mutate(MODEL_QUALITY, "four", ("Tags",), [])

    result = check(run, service)

    assert result.exit_code == 2
    assert result.statuses == {"one": "in_sync", "two": "in_sync", "three": "drifted", "four": "in_sync"}
    assert result.changes("one", of="ignored") == [(build, "changed", "0123", "0124")]
    (ignored,) = result.named("two")["ignored"]
    assert (ignored["rule"], ignored["reason"], ignored["until"]) == (
        ".".join(INSTANCE),
        "rightsizing experiment",
        tomorrow,
    )
    assert result.changes("three") == [(build, "changed", "0123", "0124")]
    assert {path[0] for path, *_ in result.changes("four", of="ignored")} == {"NetworkConfig", "Tags"}
    lines = (tmp_path / "desired" / "desired.yaml").read_text("utf-8").splitlines()
    assert "path: JobResources.ClusterConfig.InstanceType" in lines[ignored["rule_source"]["line"] - 1]
    # the rule of `three` names another key, and hid nothing
    assert result.warnings == ["ignore-rule-unused"]
    assert "three" in result.document["warnings"][0]["message"]


def test_a_rule_that_expired_hides_nothing_and_a_warning_says_so(
    service: Service, run: Run, tmp_path: Path
) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    today = datetime.now(UTC).date().isoformat()
    declared = [
        with_rules("past", {"path": ".".join(INSTANCE), "until": yesterday}),
        with_rules("last-day", {"path": ".".join(INSTANCE), "until": today}),
        with_rules("idle", "RoleArn"),
        with_rules("gone", "RoleArn"),
    ]
    file = write_desired(tmp_path, {MODEL_QUALITY: declared})
    for name in ("past", "last-day", "idle"):
        service.create(MODEL_QUALITY, full(MODEL_QUALITY, name))
    for name in ("past", "last-day"):
        service.mutate(MODEL_QUALITY, name, INSTANCE, "ml.m5.4xlarge")

    result = check(run, service)

    assert result.statuses["past"] == "drifted"
    assert sorted(result.warnings) == ["ignore-rule-expired", "ignore-rule-unused"]
    expired, unused = sorted(result.document["warnings"], key=lambda warning: warning["code"])
    assert yesterday in expired["message"]
    assert "idle" in unused["message"]
    lines = file.read_text("utf-8").splitlines()
    assert ".".join(INSTANCE) in lines[expired["source"]["line"] - 1]
    # about midnight the run may have begun on the next day
    assert result.statuses["last-day"] in {"in_sync", "drifted"}
    assert result.statuses["last-day"] == "in_sync" or datetime.now(UTC).date().isoformat() != today


def test_no_sensitive_value_of_either_side_gets_out(service: Service, run: Run, tmp_path: Path) -> None:
    prefix = "DataQuality"
    declared = full(MODEL_QUALITY, "secretive")
    declared[APP]["Environment"] |= {
        "DB_URL": "hidden-desired-1",
        "ADMIN_PASSWORD": "hidden-desired-2",
        "GONE_TOKEN": "hidden-desired-3",
        "REPOSITORY": "https://bot:hidden-desired-4@git.example.com/x",
        "LINK": "plain",
    }
    declared["lifecycle"] = {"sensitive": [f"{APP}.Environment.DB_URL", "RoleArn"]}
    declared["RoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/hidden-desired-5"
    block = full(DATA_QUALITY, "block")
    block[f"{prefix}AppSpecification"]["Environment"] = {"API_KEY": "hidden-desired-6", "PLAIN": "shown-1"}
    ignored = full(MODEL_QUALITY, "ignored")
    ignored[APP]["Environment"]["SIGNING_SECRET"] = "hidden-desired-7"
    ignored["lifecycle"] = {"ignore_changes": [f"{APP}.Environment"]}
    write_desired(tmp_path, {MODEL_QUALITY: [declared, ignored], DATA_QUALITY: [block]})
    for kind, definition in ((MODEL_QUALITY, declared), (MODEL_QUALITY, ignored), (DATA_QUALITY, block)):
        live = {key: value for key, value in definition.items() if key != "lifecycle"}
        service.create(kind, live)
    environment = (APP, "Environment")
    for key, value in {
        "DB_URL": "hidden-live-1",
        "ADMIN_PASSWORD": "hidden-live-2",
        "GONE_TOKEN": ABSENT,
        "REPOSITORY": "https://bot:hidden-live-4@git.example.com/x",
        "LINK": f"{PRESIGNED}hidden-live-8",
        "KEY_ID": ACCESS_KEY_ID,
    }.items():
        service.mutate(MODEL_QUALITY, "secretive", (*environment, key), value)
    service.mutate(MODEL_QUALITY, "secretive", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/hidden-live-5")
    service.mutate(MODEL_QUALITY, "ignored", (*environment, "SIGNING_SECRET"), "hidden-live-7")
    service.mutate(DATA_QUALITY, "block", (f"{prefix}AppSpecification", "Environment"), ABSENT)
    service.mutate(DATA_QUALITY, "block", ("NewMember",), {"url": "https://a:hidden-live-9@host/"})

    outputs = (part for name in FILES for part in ("-o", name))
    outcome = run("check", "--verbose", *outputs, "-o", "-")

    assert outcome.exit_code == 2
    written = {name: (tmp_path / name).read_text("utf-8") for name in FILES}
    for name, text in {**written, "stdout": outcome.stdout, "stderr": outcome.stderr}.items():
        assert "hidden-" not in text, name
        assert ACCESS_KEY_ID not in text, name
    document = valid(written["r.json"])
    of = {each["name"]: each for each in document["resources"]}
    found = {
        tuple(each["path"]): (each["change"], each["desired"], each["live"], each["sensitive"])
        for each in of["secretive"]["differences"]
    }
    mask = "(sensitive)"
    assert found == {
        (*environment, "ADMIN_PASSWORD"): ("changed", mask, mask, True),
        (*environment, "DB_URL"): ("changed", mask, mask, True),
        (*environment, "GONE_TOKEN"): ("removed", mask, None, True),
        (*environment, "KEY_ID"): ("added", None, mask, True),
        (*environment, "LINK"): ("changed", mask, mask, True),
        (*environment, "REPOSITORY"): ("changed", mask, mask, True),
        ("RoleArn",): ("changed", mask, mask, True),
    }
    removed = next(each for each in of["block"]["differences"] if each["change"] == "removed")
    assert removed["desired"] == {"API_KEY": mask, "PLAIN": "shown-1"}
    assert of["ignored"]["status"] == "in_sync"
    assert of["ignored"]["ignored"][0]["live"] == mask


SPEAKING = (
    *(
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "FERNET_KEY",
        "HMAC_KEY",
        "MASTER_KEY",
        "SSH_KEY",
        "KEY",
        "PRIVATEKEY",
    ),
    *("API_KEY", "PRIVATEKEY", "GITHUB_PAT", "dbPass", "S3_KEY"),
)
PLAIN = ("KEYWORDS", "KEYBOARD", "MONKEY", "PATTERN", "COMPATIBILITY", "TOKENIZER")
HOLDING = {
    "URL": "https://host/?token=hunter2-url",
    "SETTINGS": '{"password": "hunter2-json"}',
    "HEADER": "Bearer hunter2-1234567890",
    "HOOK": "https://hooks.slack.com/services/T0/B0/hunter2-hook",
}


def test_no_value_whose_key_or_text_speaks_of_a_secret_is_shown(
    service: Service, run: Run, tmp_path: Path
) -> None:
    declared = full(MODEL_QUALITY, "keys")
    declared[APP]["ContainerArguments"] = [
        "--password",
        "hunter21",
        "--token=hunter22",
        "--mode",
        "shown-desired",
    ]
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    service.create(MODEL_QUALITY, declared)
    live = [*declared[APP]["ContainerArguments"]]
    live[1], live[2], live[4] = "hunter23", "--token=hunter24", "shown-live"
    service.mutate(MODEL_QUALITY, "keys", (APP, "ContainerArguments"), live)
    for key in SPEAKING:
        service.mutate(MODEL_QUALITY, "keys", (APP, "Environment", key), f"hunter2-{key}")
    for key in PLAIN:
        service.mutate(MODEL_QUALITY, "keys", (APP, "Environment", key), f"shown-{key}")
    for key, value in HOLDING.items():
        service.mutate(MODEL_QUALITY, "keys", (APP, "Environment", key), value)

    outputs = (part for name in FILES for part in ("-o", name))
    outcome = run("check", "--verbose", *outputs, "-o", "-")

    assert outcome.exit_code == 2
    written = {name: (tmp_path / name).read_text("utf-8") for name in FILES}
    for name, text in {**written, "stdout": outcome.stdout, "stderr": outcome.stderr}.items():
        assert "hunter2" not in text, name
    for shown in ("shown-desired", "shown-live", *(f"shown-{key}" for key in PLAIN)):
        assert shown in written["r.json"]
    (resource,) = valid(written["r.json"])["resources"]
    told = {each["path"][-1] for each in resource["differences"] if each["sensitive"]}
    assert told == {*SPEAKING, *HOLDING, 1, 2}


def test_the_operator_unmasks_keys_and_a_desired_file_masks_more(
    service: Service, run: Run, tmp_path: Path
) -> None:
    declared = full(MODEL_QUALITY, "keys")
    declared["lifecycle"] = {"sensitive": [f"{APP}.Environment.JOIN_KEY"]}
    declared[APP]["Environment"] |= {
        "S3_KEY": "shown-desired",
        "JOIN_KEY": "x",
        "API_KEY": "x",
        "URL_KEY": "x",
    }
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    (tmp_path / "driftcheck.toml").write_text(
        '[redact]\nplain_keys = ["S3_KEY", "JOIN_KEY", "URL_KEY"]\n', "utf-8"
    )
    service.create(MODEL_QUALITY, {key: value for key, value in declared.items() if key != "lifecycle"})
    for key, value in {
        "S3_KEY": "shown-live",
        "JOIN_KEY": "hunter2-1",
        "API_KEY": "hunter2-2",
        "URL_KEY": "https://a:hunter2-3@host/",
    }.items():
        service.mutate(MODEL_QUALITY, "keys", (APP, "Environment", key), value)

    result = check(run, service)

    assert "hunter2" not in str(result.document)
    (resource,) = result.document["resources"]
    found = {each["path"][-1]: (each["desired"], each["live"]) for each in resource["differences"]}
    mask = ("(sensitive)", "(sensitive)")
    assert found == {
        "S3_KEY": ("shown-desired", "shown-live"),
        "JOIN_KEY": mask,
        "API_KEY": mask,
        "URL_KEY": mask,
    }


def test_an_error_message_of_aws_gives_no_credential_away(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)], DATA_QUALITY: []})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    # the credential stands where the message is cut
    said = f"{'x' * 380} https://user:hidden-1{'h' * 100}@proxy.example.com:3128/ refused {ACCESS_KEY_ID}"
    for action in ("Describe*", "List*"):
        service.fail(Refuse(400, "ValidationException", said), action=action)

    outputs = (part for name in FILES for part in ("-o", name))
    outcome = run("check", *outputs, "-o", "-")

    assert outcome.exit_code == 1
    written = {name: (tmp_path / name).read_text("utf-8") for name in FILES}
    assert "ValidationException" in written["r.json"]
    assert "(sensitive)" in written["r.json"]
    for name, text in {**written, "stdout": outcome.stdout, "stderr": outcome.stderr}.items():
        assert "hidden-1" not in text, name
        assert ACCESS_KEY_ID not in text, name


def test_a_warning_gives_no_credential_away(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    said = "denied to https://user:hidden-1@proxy.example.com"
    service.fail(Refuse(400, "AccessDeniedException", said), action="ListDataQuality*")

    result = check(run, service)

    assert result.exit_code == 0
    assert result.warnings == ["unmanaged-not-looked-for"]
    assert "hidden-1" not in result.document["warnings"][0]["message"]

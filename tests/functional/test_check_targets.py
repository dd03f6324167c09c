"""Targets of ``driftcheck.toml``: which account is reached, in whose name, and what one that fails leaves."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import DENIED, Answer, Refuse
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OTHER = "210987654321"
ROLE = f"arn:aws:iam::{OTHER}:role/drift/reader"


def declare(folder: Path, text: str, **file: object) -> None:
    (folder / "driftcheck.toml").write_text(text, "utf-8")
    write_desired(folder, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]}, **file)  # type: ignore[arg-type]


def of_targets(document: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {each["target"]: (each["name"], each["status"]) for each in document["resources"]}


def test_an_account_is_asserted_before_anything_is_read(service: Service, run: Run, tmp_path: Path) -> None:
    declare(tmp_path, f'[targets.prod]\nregion = "us-east-1"\naccount = "{ACCOUNT}"\n', target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region="us-east-1")

    result = check(run, service)

    assert result.exit_code == 0
    assert service.calls[0].action == "GetCallerIdentity"
    assert {call.region for call in service.calls} == {"us-east-1"}
    (target,) = result.document["targets"]
    assert {name: target[name] for name in ("name", "account", "region", "error")} == {
        "name": "prod",
        "account": ACCOUNT,
        "region": "us-east-1",
        "error": None,
    }


def test_in_another_account_nothing_is_read(service: Service, run: Run, tmp_path: Path) -> None:
    declare(tmp_path, f'[targets.prod]\nregion = "{REGION}"\naccount = "{OTHER}"\n', target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))

    result = check(run, service)

    assert result.exit_code == 1
    assert result.errors == {"churn": "WrongAccount"}
    assert [call.action for call in service.calls] == ["GetCallerIdentity"]
    assert result.target_error is not None
    assert result.target_error["code"] == "WrongAccount"
    assert ACCOUNT in result.target_error["message"]
    assert OTHER in result.target_error["message"]
    assert result.document["targets"][0]["account"] == ACCOUNT


def test_an_account_that_nobody_verified_is_not_known(service: Service, run: Run, tmp_path: Path) -> None:
    declare(tmp_path, f'[targets.prod]\nregion = "{REGION}"\naccount = "{ACCOUNT}"\n', target="prod")
    no_keys = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}

    result = check(run, service, env=no_keys)

    assert result.errors == {"churn": "NoCredentials"}
    assert result.document["targets"][0]["account"] is None
    text = run("check", env=no_keys).stdout
    assert f"Target prod: account not known, region {REGION}\n" in text
    assert ACCOUNT not in text


def test_without_a_name_for_the_account_nothing_is_read(service: Service, run: Run, tmp_path: Path) -> None:
    declare(tmp_path, f'[targets.prod]\nregion = "{REGION}"\naccount = "{ACCOUNT}"\n', target="prod")
    nameless = "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
    service.fail(Answer(nameless, content_type="text/xml"), action="GetCallerIdentity")

    result = check(run, service)

    assert result.exit_code == 1
    assert result.errors == {"churn": "DamagedAnswer"}
    assert [call.action for call in service.calls] == ["GetCallerIdentity"]


@pytest.mark.parametrize(
    ("text", "file", "args"),
    [
        ("[targets.prod]\n", {"target": "prd"}, ()),
        ("[targets.prod]\n", {"target": "prod"}, ("--target", "prd")),
        ("", {"target": "prod"}, ()),
        ("[targets.prod]\n", {"targets": ["prod", "stage"]}, ()),
        ("[targets.prod]\nrole = 'x'\n", {"target": "prod"}, ()),
    ],
)
def test_an_unknown_target_ends_the_run_before_any_call(
    service: Service, run: Run, tmp_path: Path, text: str, file: dict[str, Any], args: tuple[str, ...]
) -> None:
    declare(tmp_path, text, **file)

    outcome = run("check", *args)

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.count("error:") >= 1
    assert service.calls == []


def test_profiles_bring_their_credentials_and_region(
    service: Service, run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    service.accounts["PROFILEKEYPROFILEKEY"] = OTHER
    (tmp_path / ".home" / "config").write_text(
        f"[profile one]\nregion = us-west-2\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = x\n"
        "[profile two]\nregion = ap-south-1\n"
        "aws_access_key_id = PROFILEKEYPROFILEKEY\naws_secret_access_key = x\n",
        "utf-8",
    )
    declare(
        tmp_path,
        f'[targets.a]\nprofile = "one"\naccount = "{ACCOUNT}"\n'
        f'[targets.b]\nprofile = "two"\naccount = "{OTHER}"\n'
        f'[targets.c]\nprofile = "two"\nregion = "sa-east-1"\n'
        '[targets.d]\nprofile = "three"\n',
        targets=["a", "b", "c", "d"],
    )
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region="us-west-2")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region="sa-east-1", account=OTHER)

    # the credentials of the environment would win over a profile's, were they not the target's own
    result = check(run, service, env={"AWS_REGION": None})

    assert result.exit_code == 1
    assert of_targets(result.document) == {
        "a": ("churn", "in_sync"),
        "b": ("churn", "missing"),
        "c": ("churn", "in_sync"),
        "d": ("churn", "error"),
    }
    targets = {each["name"]: each for each in result.document["targets"]}
    assert {name: (each["account"], each["region"]) for name, each in targets.items()} == {
        "a": (ACCOUNT, "us-west-2"),
        "b": (OTHER, "ap-south-1"),
        "c": (OTHER, "sa-east-1"),
        "d": (None, None),
    }
    assert targets["d"]["error"]["code"] == "ProfileNotFound"
    assert "three" in targets["d"]["error"]["message"]


def test_a_role_is_assumed_once_with_its_external_id(service: Service, run: Run, tmp_path: Path) -> None:
    toml = f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\nexternal_id = "abc-123"\n'
    declare(tmp_path, toml, target="prod")
    service.external_ids[ROLE] = "abc-123"
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=OTHER)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (0, {"churn": "in_sync"})
    (assumed,) = service.called("AssumeRole")
    assert assumed.parameters["ExternalId"] == "abc-123"
    assert assumed.account == ACCOUNT
    assert {call.account for call in service.called("*Definition*")} == {OTHER}
    assert result.document["targets"][0]["account"] == OTHER


def test_a_role_that_is_refused_is_asked_for_once_and_one_target_in_error(
    service: Service, run: Run, tmp_path: Path
) -> None:
    toml = f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\nexternal_id = "wrong"\n'
    (tmp_path / "driftcheck.toml").write_text(toml, "utf-8")
    names = [f"churn-{number}" for number in range(20)]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, n) for n in names]}, target="prod")
    service.external_ids[ROLE] = "abc-123"

    result = check(run, service)

    assert result.exit_code == 1
    assert result.errors == dict.fromkeys(names, "AccessDenied")
    assert result.target_error is not None
    assert result.target_error["code"] == "AccessDenied"
    assert [call.action for call in service.calls] == ["AssumeRole"]


def test_a_role_in_another_account_than_the_targets_is_noticed(
    service: Service, run: Run, tmp_path: Path
) -> None:
    toml = f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\naccount = "{ACCOUNT}"\n'
    declare(tmp_path, toml, target="prod")

    result = check(run, service)

    assert result.errors == {"churn": "WrongAccount"}
    assert service.called("Describe*") == []


def test_credentials_of_a_role_are_renewed_before_they_expire(
    service: Service, run: Run, tmp_path: Path
) -> None:
    toml = f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\n'
    declare(tmp_path, toml, target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=OTHER)
    service.accounts["SHORTLIVEDKEY"] = OTHER
    expiration = f"{datetime.now(UTC) + timedelta(seconds=30):%Y-%m-%dT%H:%M:%SZ}"
    short_lived = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        "<Credentials><AccessKeyId>SHORTLIVEDKEY</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
        f"<SessionToken>x</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        "</AssumeRoleResult></AssumeRoleResponse>"
    )
    service.fail(Answer(short_lived, content_type="text/xml"), action="AssumeRole", times=1)

    result = check(run, service)

    assert result.exit_code == 0
    assert len(service.called("AssumeRole")) == 2
    assert {call.access_key for call in service.called("Describe*")} == {"ASSUMEDROLEKEY0002"}


def of_a_role(service: Service, folder: Path, count: int) -> list[str]:
    """Definitions of a target with a role, each of which takes a quarter of a second to describe."""
    toml = f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\n'
    (folder / "driftcheck.toml").write_text(toml, "utf-8")
    names = [f"churn-{number:02}" for number in range(count)]
    write_desired(folder, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]}, target="prod")
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name), account=OTHER)
    service.latency = 0.25
    return names


def test_credentials_of_a_role_are_renewed_in_mid_run(service: Service, run: Run, tmp_path: Path) -> None:
    names = of_a_role(service, tmp_path, 72)
    # botocore renews them when they have 15 minutes left, which is after 1 to 2 seconds
    service.lifetime = timedelta(minutes=15, seconds=2)
    service.taken_for = 8

    result = check(run, service, "--no-unmanaged", "--concurrency", "2")

    assert (result.exit_code, result.statuses) == (0, dict.fromkeys(names, "in_sync"))
    described = service.called("Describe*")
    assert len(described) == len(names)
    # the last calls came when the first key was taken no more
    assert described[-1].at - service.called("AssumeRole")[0].at > service.taken_for
    keys = [*dict.fromkeys(call.access_key for call in described)]
    assert keys[0] == "ASSUMEDROLEKEY0001"
    assert len(keys) >= 2
    assert {call.access_key for call in service.called("AssumeRole")} == {ACCESS_KEY}


def test_a_role_that_is_taken_away_in_mid_run_leaves_what_was_read(
    service: Service, run: Run, tmp_path: Path
) -> None:
    names = of_a_role(service, tmp_path, 40)
    # botocore does without a renewal until they have 10 minutes left, which is after 2 to 3 seconds
    service.lifetime = timedelta(minutes=10, seconds=3)
    denied = Refuse(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
    service.fail(denied, action="AssumeRole", skip=1)

    result = check(run, service, "--no-unmanaged", "--concurrency", "2")

    assert (result.exit_code, result.document["complete"]) == (1, False)
    assert sorted(result.statuses) == names
    assert set(result.statuses.values()) == {"in_sync", "error"}
    assert set(result.errors.values()) == {"AccessDenied"}
    assert result.statuses[names[0]] == "in_sync"
    assert result.statuses[names[-1]] == "error"
    assert "sts:AssumeRole" in result.named(names[-1])["error"]["message"]


def test_a_profile_may_be_what_assumes_the_role(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / ".home" / "config").write_text(
        f"[profile one]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = x\n"
        f"endpoint_url = {service.url}\n",
        "utf-8",
    )
    toml = f'[targets.prod]\nregion = "{REGION}"\nprofile = "one"\nrole_arn = "{ROLE}"\n'
    declare(tmp_path, toml, target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=OTHER)

    # the profile's endpoint is for all calls, those in the role's name too
    result = check(
        run,
        service,
        env={"AWS_ENDPOINT_URL": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
    )

    assert (result.exit_code, result.statuses) == (0, {"churn": "in_sync"})


def test_references_stand_for_what_each_target_says(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.eu]\nregion = "eu-west-1"\naccount = "{ACCOUNT}"\nvars = {{ bucket = "ml-eu" }}\n'
        f'[targets.us]\nregion = "us-east-1"\naccount = "{ACCOUNT}"\nvars = {{ bucket = "ml-us" }}\n',
        "utf-8",
    )
    image = "${target.account}.dkr.ecr.${target.region}.amazonaws.com/monitor"
    declared = minimal(MODEL_QUALITY)
    declared["ModelQualityAppSpecification"]["ImageUri"] = image
    declared["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"] = "s3://${var.bucket}/truth"
    write_desired(tmp_path, {MODEL_QUALITY: [declared]}, targets=["eu", "us"])
    for region, bucket in (("eu-west-1", "ml-eu"), ("us-east-1", "ml-eu")):
        live = minimal(MODEL_QUALITY)
        uri = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/monitor"
        live["ModelQualityAppSpecification"]["ImageUri"] = uri
        live["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"] = f"s3://{bucket}/truth"
        service.create(MODEL_QUALITY, live, region=region)

    result = check(run, service)

    assert of_targets(result.document) == {"eu": ("churn", "in_sync"), "us": ("churn", "drifted")}
    (drifted,) = (each for each in result.document["resources"] if each["target"] == "us")
    (difference,) = drifted["differences"]
    assert difference["path"] == ["ModelQualityJobInput", "GroundTruthS3Input", "S3Uri"]
    assert (difference["desired"], difference["live"]) == ("s3://ml-us/truth", "s3://ml-eu/truth")


def test_one_target_that_is_denied_leaves_the_other_right(service: Service, run: Run, tmp_path: Path) -> None:
    declare(
        tmp_path,
        '[targets.eu]\nregion = "eu-west-1"\n[targets.us]\nregion = "us-east-1"\n',
        targets=["eu", "us"],
    )
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))
    service.fail(DENIED, region="us-east-1")

    result = check(run, service)

    assert result.exit_code == 1
    found = {(each["target"], each["name"], each["status"]) for each in result.document["resources"]}
    assert found == {("eu", "churn", "in_sync"), ("eu", "stray", "unmanaged"), ("us", "churn", "error")}
    errors = {each["name"]: each["error"] and each["error"]["code"] for each in result.document["targets"]}
    assert errors == {"eu": None, "us": "AccessDeniedException"}

    alone = check(run, service, "--target", "eu")
    assert (alone.exit_code, set(of_targets(alone.document))) == (0, {"eu"})


def test_a_program_for_credentials_that_hangs_holds_up_its_own_target_alone(
    service: Service, run: Run, tmp_path: Path
) -> None:
    program = tmp_path / "credentials.sh"
    program.write_text("#!/bin/sh\nexec sleep 20\n", "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / ".home" / "config").write_text(
        f"[profile slow]\nregion = {REGION}\ncredential_process = {program}\n", "utf-8"
    )
    declare(
        tmp_path,
        f'[targets.a]\nprofile = "slow"\n[targets.b]\nregion = "{REGION}"\n',
        targets=["a", "b"],
    )
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))

    result = check(run, service, "--timeout", "5", seconds=18)

    assert result.exit_code == 1
    assert of_targets(result.document) == {"a": ("churn", "error"), "b": ("churn", "in_sync")}
    assert [each["error"] and each["error"]["code"] for each in result.document["targets"]] == [
        "Timeout",
        None,
    ]


def test_what_another_target_of_the_same_account_and_region_declares_is_not_unmanaged(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.a]\nregion = "{REGION}"\n[targets.b]\nregion = "{REGION}"\n'
        '[targets.elsewhere]\nregion = "us-east-1"\n',
        "utf-8",
    )
    for target in ("a", "b", "elsewhere"):
        declared = {MODEL_QUALITY: [minimal(MODEL_QUALITY, f"of-{target}")]}
        write_desired(tmp_path, declared, f"{target}.yaml", target=target)
    for name in ("of-a", "of-b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    for name in ("of-elsewhere", "of-a"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name), region="us-east-1")

    result = check(run, service)

    assert [(each["target"], each["name"], each["status"]) for each in result.document["resources"]] == [
        ("a", "of-a", "in_sync"),
        ("b", "of-b", "in_sync"),
        ("elsewhere", "of-a", "unmanaged"),
        ("elsewhere", "of-elsewhere", "in_sync"),
    ]


def matrix(service: Service, folder: Path, toml: str, targets: tuple[str, ...]) -> None:
    """A file with a definition of its own for each target, all of which are in one account and region."""
    (folder / "driftcheck.toml").write_text(toml, "utf-8")
    for target in targets:
        named = {} if target == "default" else {"target": target}
        write_desired(
            folder, {MODEL_QUALITY: [minimal(MODEL_QUALITY, f"of-{target}")]}, f"{target}.yaml", **named
        )
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, f"of-{target}"))


PLACE = f'region = "{REGION}"\naccount = "{ACCOUNT}"\n'


@pytest.mark.parametrize(
    ("toml", "targets", "asked"),
    [
        # each says where it is
        (f"[targets.a]\n{PLACE}[targets.b]\n{PLACE}", ("a", "b"), "a"),
        # by the same credentials it is the same account
        (f'[targets.a]\n{PLACE}[targets.b]\nregion = "{REGION}"\n', ("a", "b"), "a"),
        (f'[targets.a]\n{PLACE}[targets.b]\nregion = "{REGION}"\n', ("a", "b"), "b"),
        # the ambient target has neither, and the region of the environment
        (f"[targets.a]\n{PLACE}", ("a", "default"), "a"),
        (f"[targets.a]\n{PLACE}", ("a", "default"), "default"),
        # a target that another account is said of tells nothing about the credentials
        (
            (
                f'[targets.a]\n{PLACE}[targets.b]\nregion = "{REGION}"\n'
                f'[targets.z]\nregion = "{REGION}"\naccount = "{OTHER}"\n'
            ),
            ("a", "b", "z"),
            "a",
        ),
    ],
)
def test_what_is_declared_for_a_target_that_is_not_asked_for_is_not_unmanaged(
    service: Service, run: Run, tmp_path: Path, toml: str, targets: tuple[str, ...], asked: str
) -> None:
    matrix(service, tmp_path, toml, targets)
    if "z" in targets:
        service.delete(MODEL_QUALITY, "of-z")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))

    result = check(run, service, "--target", asked)

    assert result.statuses == {f"of-{asked}": "in_sync", "stray": "unmanaged"}


def test_what_is_declared_elsewhere_is_unmanaged_and_where_nobody_knows_it_is_not(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / ".home" / "config").write_text("[profile other]\nregion = us-east-1\n")
    toml = (
        f'[targets.a]\n{PLACE}[targets.us]\nregion = "us-east-1"\naccount = "{ACCOUNT}"\n'
        f'[targets.their]\nregion = "{REGION}"\naccount = "{OTHER}"\n'
        f'[targets.role]\nregion = "{REGION}"\nrole_arn = "{ROLE}"\n'
        f'[targets.profile]\nregion = "{REGION}"\nprofile = "other"\n'
        f'[targets.none]\nregion = "{REGION}"\nprofile = "there-is-none"\n'
    )
    targets = ("a", "us", "their", "role", "profile", "none")
    matrix(service, tmp_path, toml, targets)

    result = check(run, service, "--target", "a")

    assert result.exit_code == 0
    # whose account the credentials of the last two are for is not known
    assert result.statuses == {"of-a": "in_sync"} | {f"of-{name}": "unmanaged" for name in targets[1:4]}
    assert result.document["summary"]["coverage"] is None


@pytest.mark.parametrize("count", [2, 7])
def test_shards_know_what_is_declared_for_targets_that_are_not_theirs(
    service: Service, run: Run, tmp_path: Path, count: int
) -> None:
    toml = f'[targets.a]\n{PLACE}[targets.b]\nregion = "{REGION}"\n'
    matrix(service, tmp_path, toml, ("a", "b", "default"))

    for index in range(1, count + 1):
        statuses = check(run, service, "--shard", f"{index}/{count}").statuses
        assert set(statuses.values()) <= {"in_sync"}


def test_selected_ones_that_another_target_declares_are_not_unmanaged(
    service: Service, run: Run, tmp_path: Path
) -> None:
    matrix(service, tmp_path, f"[targets.a]\n{PLACE}[targets.b]\n{PLACE}", ("a", "b"))

    result = check(run, service, "--select", "of-*", "--target", "a", "--fail-on", "unmanaged")

    assert (result.exit_code, result.statuses) == (0, {"of-a": "in_sync"})


ACCOUNT_ROLE = f'role_arn = "arn:aws:iam::{ACCOUNT}:role/r"\n'
MIXES = {
    "ambient and role": ("", ACCOUNT_ROLE),
    "profile and role": ('profile = "p"\n', ACCOUNT_ROLE),
    "two profiles": ('profile = "p"\n', 'profile = "q"\n'),
    "ambient and profile": ("", 'profile = "q"\n'),
    "account and profile": (f'account = "{ACCOUNT}"\n', 'profile = "q"\n'),
}


def profiles(folder: Path, **keys: str) -> None:
    (folder / ".home" / "config").write_text(
        "".join(
            f"[profile {name}]\naws_access_key_id = {key}\naws_secret_access_key = x\nregion = {REGION}\n"
            for name, key in keys.items()
        ),
        "utf-8",
    )


@pytest.mark.parametrize("region", [f'region = "{REGION}"\n', ""], ids=["region", "region of the settings"])
@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_a_part_calls_nothing_unmanaged_that_a_whole_run_does_not(
    service: Service, run: Run, tmp_path: Path, mix: tuple[str, str], region: str
) -> None:
    profiles(tmp_path, p=ACCESS_KEY, q=ACCESS_KEY)
    toml = "".join(f"[targets.{name}]\n{region}{how}" for name, how in zip("bc", mix, strict=True))
    matrix(service, tmp_path, toml, ("b", "c"))
    fails = ("--fail-on", "drifted,missing,unmanaged")

    whole = check(run, service, *fails)
    alone = [check(run, service, "--target", name, *fails, "-o", f"{name}.json") for name in "bc"]
    selected = check(run, service, "--target", "b", "--select", "of-*", *fails)
    shards = [check(run, service, "--shard", f"{n}/2", *fails, "-o", f"{n}.json") for n in (1, 2)]

    assert whole.exit_code == 0
    assert [result.exit_code for result in (*alone, selected, *shards)] == [0] * 5
    for parts in (("b.json", "c.json"), ("1.json", "2.json")):
        merged = json.loads(run("merge", *parts, "-o", "json=-").stdout)
        assert (merged["resources"], merged["summary"], merged["run"]) == (
            whole.document["resources"],
            whole.document["summary"],
            whole.document["run"],
        )


@pytest.mark.parametrize("parts", [("--target", "b", "c"), ("--shard", "1/2", "2/2")], ids=str)
def test_what_only_another_account_declares_is_unmanaged_once_the_accounts_are_known(
    service: Service, run: Run, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    service.accounts["OTHERKEY"] = OTHER
    profiles(tmp_path, p=ACCESS_KEY, q="OTHERKEY")
    matrix(service, tmp_path, '[targets.b]\nprofile = "p"\n[targets.c]\nprofile = "q"\n', ("b", "c"))

    whole = check(run, service)
    for number, part in enumerate(parts[1:], 1):
        run("check", parts[0], part, "-o", f"{number}.json")
    merged = json.loads(run("merge", "1.json", "2.json", "-o", "json=-").stdout)

    assert [(each["name"], each["target"], each["status"]) for each in merged["resources"]] == [
        ("of-b", "b", "in_sync"),
        ("of-c", "b", "unmanaged"),
        ("of-c", "c", "missing"),
    ]
    for what in ("resources", "summary", "targets", "run"):
        assert merged[what] == whole.document[what]

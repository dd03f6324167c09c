"""``iam-policy`` against what a ``check`` of the same files really calls."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.definitions import ACCOUNT, KINDS, minimal, section, write_desired

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.faults import Call
    from tests.functional.service import Service

TAGS = {"Tags": [{"Key": "team", "Value": "risk"}]}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/driftcheck"


def allowed(policy: Any, call: Call) -> bool:
    """Whether a statement allows a call, as IAM would decide."""
    if call.action == "GetCallerIdentity":  # which needs no permission
        return True
    for kind in KINDS:
        if call.action == f"Describe{kind}":
            resource_type = section(kind)[:-1].replace("_", "-")
            resource = f"arn:aws:sagemaker:{call.region}:{call.account}:{resource_type}/{call.name}"
            break
    else:
        resource = call.name if call.action in {"ListTags", "AssumeRole"} else "*"
    action = f"{'sts' if call.is_sts else 'sagemaker'}:{call.action}"
    for statement in policy["Statement"]:
        on = statement["Resource"]
        on = [on] if isinstance(on, str) else on
        if action in statement["Action"] and any(fnmatchcase(resource, each) for each in on):
            return True
    return False


@pytest.mark.parametrize(
    ("kinds", "target", "unmanaged"),
    [
        (KINDS[:1], None, "--unmanaged"),
        (KINDS[1:3], "plain", "--unmanaged"),
        (KINDS, "assumed", "--unmanaged"),
        (KINDS[:1], "assumed", "--no-unmanaged"),
        (KINDS, None, "--no-unmanaged"),
    ],
)
def test_what_check_calls_is_allowed_and_what_is_allowed_is_called(
    run: Run, service: Service, tmp_path: Path, kinds: tuple[str, ...], target: str | None, unmanaged: str
) -> None:
    tagged = kinds[0]
    definitions = {kind: [minimal(kind) | (TAGS if kind == tagged else {})] for kind in kinds}
    for kind in KINDS:
        service.create(kind, minimal(kind) | TAGS)
    write_desired(tmp_path, definitions, **({} if target is None else {"target": target}))
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.plain]\nregion = "eu-west-1"\naccount = "{ACCOUNT}"\n'
        f'[targets.assumed]\nregion = "eu-west-1"\nrole_arn = "{ROLE}"\n'
    )

    printed = run("iam-policy", unmanaged)
    assert (printed.exit_code, printed.stderr, service.calls) == (0, "", [])
    checked = run("check", unmanaged)
    assert checked.exit_code == 0, checked

    policy = printed.document()
    assert not [call for call in service.calls if not allowed(policy, call)]
    called = {f"{'sts' if call.is_sts else 'sagemaker'}:{call.action}" for call in service.calls}
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert granted == called - {"sts:GetCallerIdentity"}
    assert {action for action in granted if ":Describe" in action} == {
        f"sagemaker:Describe{k}" for k in kinds
    }


def test_state_on_s3_is_read_and_never_written(run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {KINDS[0]: [minimal(KINDS[0])]}, target="cn")
    (tmp_path / "driftcheck.toml").write_text('[targets.cn]\nregion = "cn-north-1"\n')

    with_state = run("iam-policy", "--state", "s3://states/fleet").document()["Statement"]

    assert run("iam-policy", "--state", "folder").document() == run("iam-policy").document()
    assert with_state[:-2] == run("iam-policy").document()["Statement"]
    assert with_state[-2:] == [
        {
            "Sid": "ReadState1",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": "arn:aws-cn:s3:::states/fleet/*",
        },
        {
            "Sid": "ReadState2",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": "arn:aws-cn:s3:::states",
        },
    ]


def test_it_can_be_asked_of_one_target_alone(run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {KINDS[0]: [minimal(KINDS[0])]}, targets=["a", "b"])
    (tmp_path / "targets.toml").write_text(
        '[targets.a]\nregion = "eu-west-1"\naccount = "111111111111"\n'
        '[targets.b]\nregion = "us-east-1"\naccount = "222222222222"\n'
    )

    printed = run("iam-policy", "--config", "targets.toml", "--target", "b", "--no-unmanaged")

    assert printed.document() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DescribeDeclared",
                "Effect": "Allow",
                "Action": ["sagemaker:DescribeModelQualityJobDefinition"],
                "Resource": "arn:aws:sagemaker:us-east-1:222222222222:model-quality-job-definition/*",
            }
        ],
    }
    assert json.dumps(printed.document(), indent=2) + "\n" == printed.stdout


@pytest.mark.parametrize(
    ("region", "partition"),
    [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws"), (None, "aws")],
)
def test_the_ambient_target_is_in_the_partition_of_the_ambient_region(
    run: Run, tmp_path: Path, region: str | None, partition: str
) -> None:
    write_desired(tmp_path, {KINDS[0]: [minimal(KINDS[0]) | TAGS]})

    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        env = {"AWS_REGION": None, variable: region}
        printed = run("iam-policy", "--no-unmanaged", "--state", "s3://states/fleet", env=env)

        assert [each["Resource"] for each in printed.document()["Statement"]] == [
            f"arn:{partition}:sagemaker:*:*:model-quality-job-definition/*",
            f"arn:{partition}:sagemaker:*:*:model-quality-job-definition/*",
            f"arn:{partition}:s3:::states/fleet/*",
            f"arn:{partition}:s3:::states",
        ]


def test_a_profile_or_a_role_tells_the_partition_of_a_target_without_a_region(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / ".home" / "config").write_text("[profile cn]\nregion = cn-north-1\n")
    (tmp_path / "driftcheck.toml").write_text(
        '[targets.a]\nprofile = "cn"\n[targets.b]\nprofile = "there-is-none"\n'
        f'[targets.c]\nrole_arn = "{ROLE.replace("arn:aws:", "arn:aws-us-gov:")}"\n'
    )
    write_desired(tmp_path, {KINDS[0]: [minimal(KINDS[0])]}, targets=["a", "b", "c"])

    printed = run("iam-policy", "--no-unmanaged", env={"AWS_REGION": None})

    assert printed.document()["Statement"][0]["Resource"] == [
        "arn:aws-cn:sagemaker:*:*:model-quality-job-definition/*",
        f"arn:aws-us-gov:sagemaker:*:{ACCOUNT}:model-quality-job-definition/*",
        "arn:aws:sagemaker:*:*:model-quality-job-definition/*",
    ]

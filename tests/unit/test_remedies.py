from __future__ import annotations

import pytest

from driftcheck.remedies import find_remedy, remedy_text

USER = "User: arn:aws:sts::123456789012:assumed-role/checker/ann is not authorized to perform: "
ACTION = "sagemaker:DescribeModelQualityJobDefinition"
RESOURCE = " on resource: arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn"
DENIED = f"DescribeModelQualityJobDefinition: {USER}{ACTION}{RESOURCE}"
ROLE = "arn:aws:iam::123456789012:role/checker"


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("NoRegion", "You must specify a region.", "set `AWS_REGION`, or `region` of the target"),
        ("NoCredentials", "Unable to locate credentials", "set `AWS_PROFILE`, or `profile` in"),
        ("PartialCredentials", "found in env, missing: AWS_SECRET_ACCESS_KEY", "`AWS_SECRET_ACCESS_KEY` too"),
        ("ProfileNotFound", "The config profile (x) could not be found", "`aws configure list-profiles`"),
        ("SSOTokenLoad", "Token for s does not exist", "sign in: `aws sso login --profile prod`"),
        ("UnauthorizedSSOToken", "has expired", "sign in: `aws sso login --profile prod`"),
        ("TokenRetrieval", "Error when retrieving token from sso", "sign in: `aws sso login --profile prod`"),
        ("LoginRefreshRequired", "Your session has expired", "sign in: `aws login --profile prod`"),
        ("ExpiredTokenException", "is expired", "`aws sso login --profile prod`"),
        ("ExpiredToken", "is expired", "`AWS_SESSION_TOKEN`"),
        (
            "MfaWithoutTerminal",
            "no terminal",
            "aws configure export-credentials --profile prod --f",
        ),
        ("CredentialRetrieval", "from custom-process: no", "run the `credential_process`"),
        (
            "CredentialRetrieval",
            "from container-role: Error retrieving metadata",
            "`AWS_CONTAINER_CREDENTIALS_…`",
        ),
        ("CredentialRetrieval", "from the AWS configuration: /token", "correct the AWS configuration"),
        ("EndpointConnection", 'endpoint URL: "https://x"', "check the way to AWS"),
        (
            "ParamValidation",
            "Invalid length for parameter ExternalId, value: 1, valid min length: 2",
            "correct the value that it names, in driftcheck.toml or in the AWS configuration",
        ),
        ("ProxyConnection", "proxy URL", "`HTTPS_PROXY`"),
        ("ThrottlingException", "Rate exceeded", "run it again later"),
        ("Timeout", "DescribeX: no whole answer within 60 s", "a longer `--timeout`"),
        ("Timeout", "cannot reach the target: no whole answer within 60 s", "`credential_process`, STS"),
        ("503", "HTTP status 503", "run it again later"),
        ("InvalidSignatureException", "Signature expired: 20261127T1 is now earlier", "set the clock"),
        (
            "AccessDeniedException",
            f"{DENIED} because no identity-based policy allows it",
            f"allow `{ACTION}`: `drift",
        ),
        ("AccessDeniedException", "ListTags: User is not authorized", "allow `sagemaker:ListTags`: `drift"),
        (
            "AccessDeniedException",
            f"{DENIED} with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
            f"remove the explicit deny of `{ACTION}` from the `service control policy`",
        ),
        (
            "AccessDeniedException",
            f"{DENIED} with an explicit deny in an identity-based policy",
            f"remove the explicit deny of `{ACTION}` from the `identity-based policy`",
        ),
        (
            "AccessDeniedException",
            f"{DENIED} with an explicit deny",
            f"remove the explicit deny of `{ACTION}`:",
        ),
        (
            "AccessDeniedException",
            f"{DENIED} because no permissions boundary allows the {ACTION} action",
            f"allow `{ACTION}` in the `permissions boundary`",
        ),
        (
            "AccessDenied",
            f"cannot reach the target: {USER}sts:AssumeRole on resource: {ROLE}",
            "allow `sts:AssumeRole` to the credentials, and name these in the trust policy",
        ),
    ],
)
def test_an_error_has_a_remedy(code: str, message: str, expected: str) -> None:
    assert expected in remedy_text(find_remedy(code, message, "prod"))


def test_an_error_that_is_not_known_has_none() -> None:
    assert find_remedy("SomethingNew", "no") == ()


def test_a_remedy_names_no_profile_where_none_gave_the_credentials() -> None:
    assert remedy_text(find_remedy("SSOTokenLoad", "no")) == "sign in: `aws sso login`"


def test_a_profile_stands_in_a_command_as_a_shell_takes_it() -> None:
    remedy = find_remedy("SSOTokenLoad", "no", "two words; `x`")

    assert remedy == (("sign in: ", False), ("aws sso login --profile 'two words; `x`'", True))


def test_no_remedy_of_a_refusal_names_a_role_or_an_account() -> None:
    text = remedy_text(find_remedy("AccessDenied", f"{USER}sts:AssumeRole on resource: {ROLE}"))

    assert "arn:" not in text
    assert "123456789012" not in text

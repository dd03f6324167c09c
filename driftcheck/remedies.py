"""Remedies for errors: rows of error code, message and what to do.

The codes are AWS's, botocore's exceptions without the suffix ``Error``, and those of driftcheck itself.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Remedy: TypeAlias = tuple[tuple[str, bool], ...]
"""Text in pieces: each a text, and whether it is code. Only code may hold text from outside."""


OPERATIONS = re.compile(r"^([A-Z][A-Za-z]{1,80}(?:, [A-Z][A-Za-z]{1,80})*): ")
"""What begins the message of an error: the operations that met it."""
_ACTIONS = {"{action}", "sagemaker:{operation}"}

_READ = 2_000
"""Characters of a message that are looked at; a run cuts its own at 1,000."""


@dataclass(frozen=True, slots=True)
class _Row:
    """An error's code and message, both regular expressions, and its remedy; code stands in backticks.

    The code is matched whole, the message anywhere. ``{profile}`` in a piece of code is the option that names
    the AWS profile, with a space before it; other names are the groups of the message.
    """

    code: str
    remedy: str
    message: str = ""


_ACTION = r"not authorized to perform:? (?P<action>[a-z0-9-]{2,40}:[A-Za-z]{1,80})\b"
_DENIED = (
    r"AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized(Exception)?|AuthorizationError(Exception)?"
)
_REGION = "set `AWS_REGION`, or `region` of the target in driftcheck.toml"
_SIGN_IN = "sign in: `aws sso login{profile}`"
_LATER = "AWS has trouble: run it again later"
_ENDPOINT = "check what answers in place of AWS: `AWS_ENDPOINT_URL`, a proxy; else run it again"
_POLICY = "`driftcheck iam-policy` prints the policy"
_CLOCK = "set the clock of this machine"

# The texts of refusals: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_ROWS = (
    # permissions
    _Row(
        _DENIED,
        "remove the explicit deny of `{action}` from the `{policy}`: an allow elsewhere does not help",
        rf"{_ACTION}.* with an explicit deny in an? (?P<policy>[\w -]{{1,40}}(policy|boundary))",
    ),
    _Row(
        _DENIED,
        "remove the explicit deny of `{action}`: an allow elsewhere does not help",
        rf"{_ACTION}.* with an explicit deny",
    ),
    _Row(
        _DENIED,
        "allow `{action}` to the credentials, and name these in the trust policy of the role",
        r"not authorized to perform:? (?P<action>sts:AssumeRole\w*)\b",
    ),
    _Row(
        _DENIED,
        "allow `{action}` in the `{policy}`",
        rf"{_ACTION}.* because no (?P<policy>(?!identity)[\w -]{{1,40}}(policy|boundary)) allows",
    ),
    _Row(
        _DENIED,
        f"allow `{{action}}`: {_POLICY}",
        r"not authorized to perform:? (?P<action>sagemaker:[A-Za-z]{1,80})\b",
    ),
    _Row(_DENIED, "allow `{action}`", _ACTION),
    _Row(
        _DENIED,
        f"allow `sagemaker:{{operation}}`: {_POLICY}",
        r"^(?P<operation>(Describe|List)[A-Za-z]{1,80})(, List[A-Za-z]{1,80})*: ",
    ),
    _Row(_DENIED, f"allow what is refused: {_POLICY}"),
    _Row("ForbiddenException", "ask for the role of the profile in IAM Identity Center", "No access"),
    _Row("OptInRequired|SubscriptionRequiredException", "enable the region, or the service, in the account"),
    _Row(
        "WrongAccount",
        "use credentials of that account, or correct `account` of the target in driftcheck.toml",
    ),
    # a session
    _Row(
        "MfaWithoutTerminal|RefreshWithMFAUnsupported",
        "run it in a terminal, or with the keys of `aws configure export-credentials{profile} --format env`",
    ),
    _Row("SSOTokenLoad|UnauthorizedSSOToken|TokenRetrieval|SSO|NoAuthToken", _SIGN_IN),
    _Row("LoginInsufficientPermissions", "allow `signin:CreateOAuth2Token`"),
    _Row("Login(RefreshRequired|TokenLoad|AuthorizationCode)?", "sign in: `aws login{profile}`"),
    _Row(
        "ExpiredToken(Exception)?|RequestExpired",
        "sign in again (`aws sso login{profile}`), or renew the keys and `AWS_SESSION_TOKEN`",
    ),
    # keys
    _Row(
        "NoCredentials",
        "set `AWS_PROFILE`, or `profile` in driftcheck.toml; or sign in: `aws sso login{profile}`",
    ),
    _Row("PartialCredentials", "set `{missing}` too", r"missing: (?P<missing>\w{1,40})"),
    _Row(".*", _CLOCK, "Signature expired|Signature not yet current"),
    _Row("RequestTimeTooSkewed", _CLOCK),
    _Row(
        "UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|MissingAuthenticationToken(Exception)?"
        "|AuthFailure",
        "use other keys: these are not valid here, or miss their `AWS_SESSION_TOKEN`",
    ),
    _Row(
        "SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature(Exception)?",
        "use the secret key that belongs to the access key",
    ),
    # configuration
    _Row(
        "ProfileNotFound",
        "name one of `aws configure list-profiles`, in `AWS_PROFILE` or as `profile` in driftcheck.toml",
    ),
    _Row(
        "ParamValidation",
        "correct the value that it names, in driftcheck.toml or in the AWS configuration (`~/.aws/config`)",
    ),
    _Row("NoRegion", _REGION),
    _Row("InvalidRegion|UnknownRegion|ServiceNotInRegion", f"{_REGION}, to one such as `eu-west-1`"),
    _Row("ValueError|InvalidEndpointConfiguration", "correct `AWS_ENDPOINT_URL`", "[Ee]ndpoint"),
    _Row("MissingDependencyException", 'install it: `pip install "botocore[crt]"`', r"botocore\[crt\]"),
    _Row(
        "CredentialRetrieval",
        "run the `credential_process` of the profile by hand: it has to print credentials",
        "from custom-process",
    ),
    _Row(
        "CredentialRetrieval|MetadataRetrieval",
        "check the role of the machine or container, and its `AWS_CONTAINER_CREDENTIALS_…` variables",
        "metadata|from (container-role|iam-role)",
    ),
    _Row(
        "CredentialRetrieval|InvalidConfig|InfiniteLoopConfig|UnknownCredential|ConfigParse|ConfigNotFound"
        "|InvalidIMDSEndpoint(Mode)?",
        "correct the AWS configuration: `~/.aws/config`, and the variables `AWS_…`",
    ),
    # the network
    _Row("(Invalid)?Prox(y|ies)(Connection|Config)", "correct the proxy: `HTTPS_PROXY`, `NO_PROXY`"),
    _Row("SSL", "name the certificates to trust in `AWS_CA_BUNDLE`"),
    _Row(
        "EndpointConnection|ConnectTimeout|ReadTimeout|ConnectionClosed|Connection|HTTPClient",
        "check the way to AWS: the region, the network or VPC endpoint, `AWS_ENDPOINT_URL`",
    ),
    _Row("30[1278]|DamagedAnswer|EndlessList", _ENDPOINT),
    # time
    _Row(
        "Throttl.*|TooManyRequests(Exception)?|RequestLimitExceeded|SlowDown|429",
        "run it again later, or with a longer `--timeout`; `--incremental` takes fewer calls",
    ),
    _Row(
        "Timeout",
        "check what gives the credentials (`credential_process`, STS), or give it a longer `--timeout`",
        "^cannot reach the target",
    ),
    _Row("Timeout", "run it again, with a longer `--timeout` or a lower `--concurrency`"),
    _Row("DeadlineExceeded", "run it again, with a longer `--deadline` or in parts (`--shard`)"),
    _Row("Interrupted", "run it again"),
    _Row(r"Internal\w*|ServiceUnavailable\w*|5\d\d", _LATER),
)


def find_remedy(code: str, message: str, profile: str | None = None) -> Remedy:
    """Look up what to do about an error; empty where nothing is known.

    ``profile`` is the AWS profile that gave the credentials.
    """
    option = f" --profile {shlex.quote(profile)}" if profile else ""
    operations = match[1].split(", ") if (match := OPERATIONS.match(message)) else []
    more = [f"sagemaker:{operation}" for operation in operations] if len(operations) > 1 else []
    for row in _rows_of(code):
        if match := re.search(row.message, message[:_READ], re.DOTALL):
            values = {**match.groupdict(""), "profile": option}
            pieces: list[tuple[str, bool]] = []
            for number, piece in enumerate(row.remedy.split("`")):
                is_code = number % 2 == 1
                text = piece.format_map(values) if is_code else piece
                texts = sorted({text, *more}) if piece in _ACTIONS else [text]
                for each in texts if is_code or piece else ():
                    pieces += [*([(", ", False)] if each != texts[0] else []), (each, is_code)]
            return tuple(pieces)
    return ()


@lru_cache(maxsize=256)
def _rows_of(code: str) -> tuple[_Row, ...]:
    return tuple(row for row in _ROWS if re.fullmatch(row.code, code))


def remedy_text(remedy: Remedy) -> str:
    """A remedy as plain text, with code in backticks."""
    return "".join(f"`{text}`" if is_code else text for text, is_code in remedy)

"""AWS through boto3: here what one target holds, read only; in ``objects`` what lies on S3.

The only operations that are ever called are Describe, List and ListTags of SageMaker, GetCallerIdentity
and AssumeRole of STS, GetObject of S3, and for ``state push`` alone PutObject.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from functools import partial
from getpass import getpass
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.parsers import ResponseParserError

from driftcheck import __version__, live, patience
from driftcheck.aws.answers import ParserFactory
from driftcheck.kinds import TAGS, loader
from driftcheck.model import Calls, Live, Missing, Unreadable
from driftcheck.patience import MAX_ATTEMPTS, Patience, Tally
from driftcheck.redact import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from botocore.credentials import Credentials

    from driftcheck.kinds import Kind, StructureShape
    from driftcheck.model import Reading, Target

NOT_FOUND = "ResourceNotFound"
_PAGE = 100
_MAX_TAG_PAGES = 50
"""A resource has 50 tags at most, and a page of them names at least one."""
_CODE_LENGTH, _MESSAGE_LENGTH = 100, 1_000
_BODY = "DriftcheckBody"
_OK = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A definition that List names."""

    name: str
    arn: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a List; a ``token`` of None is the last."""

    summaries: tuple[Summary, ...]
    token: str | None


class WrongAccountError(Exception):
    """The credentials belong to another ``account`` than the target's."""

    def __init__(self, account: str, target: Target) -> None:
        super().__init__(
            f"the credentials are for account {account}, and target `{target.name}` is {target.account}"
        )
        self.account = account


class MfaWithoutTerminalError(Exception):
    """A profile asks for an MFA code, and there is no terminal to enter it."""


_NAMED = BotoCoreError | live.DamagedAnswerError | WrongAccountError | MfaWithoutTerminalError


def config(timeout: float, concurrency: int, *, attempts: int) -> Config:
    """How calls are made that take at most ``timeout`` seconds each, ``concurrency`` at a time."""
    return Config(
        connect_timeout=min(timeout, 5),
        # a call that hangs is tried again within its time, if that is long enough to tell
        read_timeout=min(timeout, max(10, timeout / 3)),
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=concurrency,
        user_agent_extra=f"driftcheck/{__version__}",
        # the endpoint comes from the operator's environment and is never changed by an answer
        tcp_keepalive=True,
    )


def base_session(profile: str | None = None) -> tuple[botocore.session.Session, str | None]:
    """A session of a profile, or of the ambient settings, and the region that these name."""
    core = botocore.session.Session()
    core.register_component("data_loader", loader())
    core.register_component("response_parser_factory", ParserFactory())
    if profile:
        core.set_config_variable("profile", profile)
    if region := os.environ.get("AWS_REGION"):
        # botocore does not read it, and would assume a profile's role without a region
        core.set_config_variable("region", region)
    # botocore has no public way to ask in other words; its own way reads standard input where no terminal is
    core.get_component("credential_provider").get_provider("assume-role")._prompter = _ask  # noqa: SLF001
    return core, core.get_config_variable("region")


def profile_of(target: Target) -> str | None:
    """The profile that gives a target's credentials; keys in the environment go before the ambient one."""
    if target.profile:
        return target.profile
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return None
    return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE")


def region_of(profile: str | None = None) -> str | None:
    """Region that a profile or the ambient settings name; None for none, or damaged ones."""
    try:
        return base_session(profile)[1] or None
    except BotoCoreError:
        return None


class Aws:
    """Opens targets; sessions of one run share the parsed service model."""

    def __init__(self, *, timeout: float, concurrency: int) -> None:
        """Prepare for calls of at most ``timeout`` seconds each, ``concurrency`` at a time."""
        self._lock = threading.Lock()
        self._tally = Tally()
        self._patience = Patience(timeout, self._tally)
        # for faults that pass; refusals for the rate are not tried again here, see `pace`
        self._config = config(timeout, concurrency, attempts=MAX_ATTEMPTS)

    @property
    def calls(self) -> Calls:
        """What was sent so far through the targets that were opened."""
        return Calls(self._tally.made, self._tally.throttled)

    def open(self, target: Target) -> AwsTarget:
        """Reach a target, asserting its account when it declares one.

        Raises:
            WrongAccountError: the credentials belong to another account.
            DamagedAnswerError: STS names none.
            BotoCoreError, ClientError: there are no credentials, no region, or STS refuses.
        """
        self._patience.begin()
        # outside of the lock: a program or a service that gives credentials may hang, and that is this
        # target's trouble alone. Those that a call brings are fetched now, or every definition would try.
        core, region = self._session(target)
        with self._lock:
            session = boto3.Session(botocore_session=core)
            client = session.client("sagemaker", region_name=region, config=self._config)
        client.meta.events.register("before-parse.sagemaker.*", _keep_body)
        self._patience.watch(client)
        account = target.role_arn.split(":")[4] if target.role_arn else None
        if target.account:
            account = self._caller(session, region)
            if account != target.account:
                raise WrongAccountError(account, target)
        return AwsTarget(
            client, account, region, self._patience.begin, caller=partial(self._caller, session, region)
        )

    def _caller(self, session: boto3.Session, region: str) -> str:
        """The account of a session's credentials, from STS."""
        with self._lock:
            sts = session.client("sts", region_name=region, config=self._config)
        self._patience.watch(sts)
        account = sts.get_caller_identity().get("Account")
        if not isinstance(account, str):
            raise live.DamagedAnswerError("GetCallerIdentity names no account")
        return account

    def _session(self, target: Target) -> tuple[botocore.session.Session, str]:
        """A session with the target's credentials, and the region."""
        core, region = base_session(target.profile)
        region = target.region or region
        if not region:
            raise NoRegionError
        core.set_config_variable("region", region)
        credentials = _credentials(core)
        if target.role_arn:
            extra = {"RoleSessionName": "driftcheck"}
            if target.external_id:
                extra["ExternalId"] = target.external_id
            fetcher = AssumeRoleCredentialFetcher(
                client_creator=partial(core.create_client, region_name=region, config=self._config),
                source_credentials=credentials,
                role_arn=target.role_arn,
                extra_args=extra,
            )
            # botocore has no public way to give a session credentials that renew themselves
            core._credentials = DeferredRefreshableCredentials(  # noqa: SLF001
                method="assume-role", refresh_using=fetcher.fetch_credentials
            )
            core.get_credentials().get_frozen_credentials()
        return core, region


class AwsTarget:
    """One target that was reached; its methods may be called from any thread."""

    def __init__(
        self,
        client: Any,
        account: str | None,
        region: str,
        begin: Callable[[], None],
        caller: Callable[[], str],
    ) -> None:
        """Read through a SageMaker client whose answers keep their bodies; ``begin`` starts a call's time.

        ``caller`` asks STS for the account of the credentials.
        """
        self._client = client
        self._begin = begin
        self._caller = caller
        self.account = account
        self.region = region

    def identify(self) -> str:
        """Ask STS for the account; needs no permission."""
        self._begin()
        return self._caller()

    def describe(self, kind: Kind, name: str) -> Reading:
        """Read one definition, without its tags."""
        self._begin()
        try:
            body = self._call(kind.describe, JobDefinitionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == NOT_FOUND:
                return Missing()
            raise
        return live.read(kind, name, body)

    def tagged(self, reading: Live) -> Live:
        """The same reading with ``Tags``."""
        self._begin()
        tags: list[Any] = []
        token = None
        for _ in range(_MAX_TAG_PAGES):
            answer = self._read(
                "ListTags", ResourceArn=reading.arn, **({"NextToken": token} if token else {})
            )
            tags += answer.get(TAGS, [])
            token = answer.get("NextToken")
            if not token:
                break
        else:
            raise live.DamagedAnswerError("its pages never come to an end")
        return replace(reading, properties={**reading.properties, TAGS: tags})

    def list(self, kind: Kind, token: str | None) -> Page:
        """One page of the definitions that exist."""
        self._begin()
        more = {"NextToken": token} if token else {}
        answer = self._read(kind.list, MaxResults=_PAGE, **more)
        return Page(
            tuple(
                Summary(
                    summary["MonitoringJobDefinitionName"],
                    summary["MonitoringJobDefinitionArn"],
                    summary["CreationTime"],
                )
                for summary in answer["JobDefinitionSummaries"]
            ),
            answer.get("NextToken") or None,
        )

    def _read(self, operation: str, **arguments: Any) -> dict[str, Any]:
        shape: StructureShape = self._client.meta.service_model.operation_model(operation).output_shape
        return live.read_answer(shape, self._call(operation, **arguments))

    def _call(self, operation: str, **arguments: Any) -> bytes:
        answer = getattr(self._client, xform_name(operation))(**arguments)
        if _BODY not in answer:
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            raise live.DamagedAnswerError(f"HTTP status {status} is no answer to this call")
        return answer[_BODY]  # type: ignore[no-any-return]


def _credentials(core: botocore.session.Session) -> Credentials:
    """The session's credentials, fetched.

    Raises:
        NoCredentialsError: there are none.
        CredentialRetrievalError: a program or file that gives them is missing, or gives something else.
        MfaWithoutTerminalError, BotoCoreError, ClientError: they cannot be had.
    """
    try:
        credentials = core.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        credentials.get_frozen_credentials()
    except (OSError, ValueError) as error:
        # as botocore passes them on from a credential_process and from a token's file
        text = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise CredentialRetrievalError(provider="the AWS configuration", error_msg=text) from error
    return credentials


def _ask(prompt: str) -> str:
    """Ask for an MFA code on the terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise MfaWithoutTerminalError(
            "the profile asks for an MFA code, and there is no terminal to enter it"
        )
    return getpass(prompt)


def is_throttled(error: Exception) -> bool:
    """Tell whether a call was refused because calls come too fast."""
    if not isinstance(error, ClientError):
        return False
    return patience.is_throttled(error.response, error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


def unreadable(operation: str, error: Exception, attempts: int = 0) -> Unreadable:
    """What kept an operation from being answered, as a code and one line without credentials.

    ``attempts`` is how often the call was made, where it was more often than botocore knows.
    """
    if isinstance(error, ClientError):
        said = error.response["Error"]
        code = str(said.get("Code") or "Unknown")
        unsaid = f"HTTP status {code}" if code.isdecimal() else "no message"
        message = str(said.get("Message") or unsaid)
        attempts = attempts or error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) + 1
        if attempts > 1:
            message += f" (after {attempts} attempts)"
    else:
        code, message = type(error).__name__, str(error)
        if isinstance(error, _NAMED):
            code = code.removesuffix("Error")
        elif isinstance(error, ResponseParserError):
            code = "DamagedAnswer"
    # masked before it is cut: half a credential is not known for one
    said_of_it = f"{operation}: {' '.join(masked_text(message).split())}"
    return Unreadable(masked_text(code)[:_CODE_LENGTH], said_of_it[:_MESSAGE_LENGTH])


def _keep_body(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the body of a good answer away from botocore's parser, which would drop what it does not know."""
    if response_dict["status_code"] == _OK:
        customized_response_dict[_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"

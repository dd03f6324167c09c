"""AWS, read only: what one target holds, through boto3.

The only operations that are ever called are Describe, List and ListTags of SageMaker, and GetCallerIdentity
and AssumeRole of STS.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from driftcheck import __version__, live
from driftcheck.kinds import TAGS, loader
from driftcheck.model import Live, Missing, Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from driftcheck.kinds import Kind, StructureShape
    from driftcheck.model import Reading, Target

NOT_FOUND = "ResourceNotFound"
MAX_ATTEMPTS = 10
_PAGE = 100
_MESSAGE_LENGTH = 500
_BODY = "DriftcheckBody"
_OK = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A definition that List names."""

    name: str
    arn: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a List; a ``token`` of None is the last."""

    summaries: tuple[Summary, ...]
    token: str | None


class WrongAccountError(Exception):
    """The credentials belong to another account than the target's."""


class Aws:
    """Opens targets; sessions of one run share the parsed service model."""

    def __init__(self, *, timeout: float, concurrency: int) -> None:
        """Prepare for calls of at most ``timeout`` seconds each, ``concurrency`` at a time."""
        self._lock = threading.Lock()
        self._config = Config(
            connect_timeout=min(timeout, 5),
            # a call that hangs is tried again within its time, if that is long enough to tell
            read_timeout=min(timeout, max(10, timeout / 3)),
            retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
            max_pool_connections=concurrency,
            user_agent_extra=f"driftcheck/{__version__}",
            # the endpoint comes from the operator's environment and is never changed by an answer
            tcp_keepalive=True,
        )

    def open(self, target: Target) -> AwsTarget:
        """Reach a target, asserting its account when it declares one.

        Raises:
            WrongAccountError: the credentials belong to another account.
            BotoCoreError, ClientError: there are no credentials, no region, or STS refuses.
        """
        with self._lock:
            session, region = self._session(target)
            client = session.client("sagemaker", region_name=region, config=self._config)
            sts = session.client("sts", region_name=region, config=self._config) if target.account else None
        client.meta.events.register("before-parse.sagemaker.*", _keep_body)
        account = target.role_arn.split(":")[4] if target.role_arn else None
        if sts is not None:
            account = sts.get_caller_identity()["Account"]
            if account != target.account:
                raise WrongAccountError(
                    f"the credentials are for account {account}, "
                    f"and target `{target.name}` is {target.account}"
                )
        return AwsTarget(client, account, region)

    def _session(self, target: Target) -> tuple[Any, str]:
        core = botocore.session.Session()
        core.register_component("data_loader", loader())
        if target.profile:
            core.set_config_variable("profile", target.profile)
        region = target.region or os.environ.get("AWS_REGION") or core.get_config_variable("region")
        if not region:
            raise NoRegionError
        credentials = core.get_credentials()
        if credentials is None:
            raise NoCredentialsError
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
            assumed = botocore.session.Session()
            assumed.register_component("data_loader", loader())
            # botocore has no public way to give a session credentials that renew themselves
            assumed._credentials = DeferredRefreshableCredentials(  # noqa: SLF001
                method="assume-role", refresh_using=fetcher.fetch_credentials
            )
            core = assumed
        return boto3.Session(botocore_session=core), region


class AwsTarget:
    """One target that was reached; its methods may be called from any thread."""

    def __init__(self, client: Any, account: str | None, region: str) -> None:
        """Read through a SageMaker client whose answers keep their bodies."""
        self._client = client
        self.account = account
        self.region = region

    def describe(self, kind: Kind, name: str) -> Reading:
        """Read one definition, without its tags."""
        try:
            body = self._call(kind.describe, JobDefinitionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == NOT_FOUND:
                return Missing()
            raise
        return live.read(kind, name, body)

    def tagged(self, reading: Live) -> Live:
        """The same reading with ``Tags``; keys that begin with ``aws:`` belong to AWS and are left out."""
        if reading.arn is None:
            raise live.DamagedAnswerError(
                "the answer has no JobDefinitionArn, by which its tags would be read"
            )
        tags: list[Any] = []
        token = None
        seen = {token}
        while True:
            answer = self._read(
                "ListTags", ResourceArn=reading.arn, **({"NextToken": token} if token else {})
            )
            tags += answer.get(TAGS, [])
            token = answer.get("NextToken")
            if not token:
                break
            if token in seen:
                raise live.DamagedAnswerError("ListTags repeats a page's token")
            seen.add(token)
        own = [tag for tag in tags if not str(tag.get("Key")).startswith("aws:")]
        return replace(reading, properties={**reading.properties, TAGS: own})

    def list(self, kind: Kind, token: str | None) -> Page:
        """One page of the definitions that exist."""
        more = {"NextToken": token} if token else {}
        answer = self._read(kind.list, MaxResults=_PAGE, **more)
        return Page(
            tuple(
                Summary(
                    summary["MonitoringJobDefinitionName"],
                    summary.get("MonitoringJobDefinitionArn"),
                    summary.get("CreationTime"),
                )
                for summary in answer.get("JobDefinitionSummaries", [])
                if "MonitoringJobDefinitionName" in summary
            ),
            answer.get("NextToken") or None,
        )

    def _read(self, operation: str, **arguments: Any) -> dict[str, Any]:
        shape: StructureShape = self._client.meta.service_model.operation_model(operation).output_shape
        return live.read_answer(shape, self._call(operation, **arguments))

    def _call(self, operation: str, **arguments: Any) -> bytes:
        answer = getattr(self._client, xform_name(operation))(**arguments)
        return answer[_BODY]  # type: ignore[no-any-return]


def unreadable(operation: str, error: Exception) -> Unreadable:
    """What kept an operation from being answered, as a code and one line."""
    if isinstance(error, ClientError):
        said = error.response["Error"]
        code, message = str(said.get("Code") or "Unknown"), str(said.get("Message") or "no message")
        retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        if retries:
            message += f" (after {retries + 1} attempts)"
    else:
        code, message = type(error).__name__, str(error)
        if isinstance(error, BotoCoreError | live.DamagedAnswerError | WrongAccountError):
            code = code.removesuffix("Error")
    return Unreadable(code, f"{operation}: {' '.join(message.split())}"[:_MESSAGE_LENGTH])


def _keep_body(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the body of a good answer away from botocore's parser, which would drop what it does not know."""
    if response_dict["status_code"] == _OK:
        customized_response_dict[_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"

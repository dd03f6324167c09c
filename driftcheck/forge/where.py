"""Which request to comment on: named by options, or found in what a CI sets.

A result is never asked: it may come from a pull request that nobody has read yet.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

_GITHUB_REPO = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/(?!\.\.?$)[A-Za-z0-9._-]+")
_GITLAB_PROJECT = re.compile(r"[0-9]+|[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MAX_EVENT = 30_000_000
"""Bytes; GitHub caps what it sends of an event at 25 MB."""
_ELSE = "name one with --repo and --pr"


@dataclass(frozen=True, slots=True)
class Run:
    """The run whose result is shown, as GitHub's event ``workflow_run`` tells of it.

    ``head`` is the full name of the repository that its commit is in, ``owner`` that repository's owner.
    """

    id: int
    head: str
    owner: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Request:
    """A pull or merge request.

    ``api`` is the address of the forge's REST API; ``repo`` is ``owner/name``, or in GitLab a project's path
    or number; ``number`` is None where only the ``run`` is known that belongs to it; ``commit`` is its head,
    empty where that is not known.
    """

    forge: Literal["github", "gitlab"]
    api: str
    repo: str
    number: int | None
    commit: str = ""
    run: Run | None = None


def find(env: Mapping[str, str], repo: str | None, number: int | None) -> Request:
    """The request that the options name, completed from the environment.

    Raises:
        DriftcheckError: none can be told, or what the environment says is wrong.
    """
    if forge_of(env) == "gitlab":
        return _gitlab(env, repo, number)
    return _github(env, repo, number)


def forge_of(env: Mapping[str, str]) -> Literal["github", "gitlab"]:
    """Where this runs; outside of a CI, the forge that there is a token for, GitHub if for both."""
    if env.get("GITHUB_ACTIONS") == "true":
        return "github"
    if env.get("GITLAB_CI") or env.get("CI_API_V4_URL"):
        return "gitlab"
    has_github = env.get("GITHUB_TOKEN") or env.get("GH_TOKEN")
    return "gitlab" if env.get("GITLAB_TOKEN") and not has_github else "github"


def token_of(env: Mapping[str, str], forge: Literal["github", "gitlab"]) -> str:
    """The forge's token.

    Raises:
        DriftcheckError: there is none, or it cannot be one.
    """
    names = ("GITLAB_TOKEN",) if forge == "gitlab" else ("GITHUB_TOKEN", "GH_TOKEN")
    for name in names:
        token = env.get(name, "").strip()
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise DriftcheckError(f"error: {name} holds characters that no token has")
        if token:
            return token
    if forge == "gitlab" and env.get("CI_JOB_TOKEN"):
        raise DriftcheckError(
            "error: CI_JOB_TOKEN cannot comment: set GITLAB_TOKEN to a project access token of scope `api`"
        )
    raise DriftcheckError(f"error: no token: set {' or '.join(names)}")


def _gitlab(env: Mapping[str, str], repo: str | None, number: int | None) -> Request:
    api = _address(env.get("CI_API_V4_URL") or "https://gitlab.com/api/v4", "CI_API_V4_URL")
    if not api.endswith("/api/v4"):
        raise DriftcheckError(f"error: CI_API_V4_URL must end in /api/v4: {api}")
    # in a pipeline of a fork, CI_PROJECT_ID is the fork
    project = repo or env.get("CI_MERGE_REQUEST_PROJECT_ID") or env.get("CI_PROJECT_ID") or ""
    if not project:
        raise DriftcheckError(f"error: no merge request: {_ELSE}")
    if not _GITLAB_PROJECT.fullmatch(project):
        raise DriftcheckError(f"error: `{project}` is no project: write group/name, or its number")
    iid = number
    if iid is None:
        text = env.get("CI_MERGE_REQUEST_IID", "")
        if not re.fullmatch("[0-9]{1,18}", text):
            raise DriftcheckError(
                f"error: CI_MERGE_REQUEST_IID is not set: run the job in merge request pipelines, or {_ELSE}"
            )
        iid = int(text)
    commit = env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or env.get("CI_COMMIT_SHA") or ""
    return Request("gitlab", api, project, iid, commit if _COMMIT.fullmatch(commit) else "")


def _github(env: Mapping[str, str], repo: str | None, number: int | None) -> Request:
    api = _address(env.get("GITHUB_API_URL") or "https://api.github.com", "GITHUB_API_URL")
    name = repo or env.get("GITHUB_REPOSITORY") or ""
    if not name:
        raise DriftcheckError(f"error: no pull request: {_ELSE}")
    if not _GITHUB_REPO.fullmatch(name):
        raise DriftcheckError(f"error: `{name}` is no repository: write owner/name")
    file = env.get("GITHUB_EVENT_PATH", "")
    elsewhere = repo is not None and repo.lower() != env.get("GITHUB_REPOSITORY", "").lower()
    if not file or elsewhere:
        if number is None:
            raise DriftcheckError(f"error: no pull request: {_ELSE}")
        return Request("github", api, name, number)
    event = _event(file)
    if "workflow_run" in event:
        run = _run(event["workflow_run"], file)
        return Request("github", api, name, number, run.commit, run)
    if number is not None:
        return Request("github", api, name, number)
    return _of_event(event, api, name, f"{file} (event {env.get('GITHUB_EVENT_NAME') or 'unknown'})")


def _of_event(event: Mapping[str, Any], api: str, name: str, called: str) -> Request:
    pull, issue = event.get("pull_request"), event.get("issue")
    if isinstance(pull, dict):
        head = pull.get("head")
        commit = head.get("sha") if isinstance(head, dict) else ""
        found = pull.get("number")
    elif isinstance(issue, dict) and isinstance(issue.get("pull_request"), dict):
        commit, found = "", issue.get("number")
    else:
        raise DriftcheckError(f"error: {called} is of no pull request: {_ELSE}")
    if not _is_number(found):
        raise DriftcheckError(f"error: {called} has no pull request's number: {_ELSE}")
    return Request("github", api, name, found, str(commit) if _is_commit(commit) else "")


def _run(run: Any, file: str) -> Run:
    """The run of an event ``workflow_run``; of the texts in it, the branch is the contributor's."""
    run = run if isinstance(run, dict) else {}
    if run.get("event") not in ("pull_request", "pull_request_target"):
        raise DriftcheckError(
            "error: the workflow run was not started by a pull request: there is nothing to comment on"
        )
    if run.get("head_repository") is None:
        raise DriftcheckError("error: the pull request's repository is deleted, and its commits with it")
    try:
        head = run["head_repository"]
        found = Run(run["id"], head["full_name"], head["owner"]["login"], run["head_branch"], run["head_sha"])
        texts = (found.head, found.owner, found.branch)
    except (KeyError, TypeError):
        found = None
    if (
        found is None
        or not _is_number(found.id)
        or not _is_commit(found.commit)
        or not all(isinstance(each, str) for each in texts)
    ):
        raise DriftcheckError(f"error: {file} does not tell whose run it is: {_ELSE}")
    return found


def _event(file: str) -> dict[str, Any]:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_MAX_EVENT + 1)
        event = json.loads(content) if len(content) <= _MAX_EVENT else None
    except OSError as error:
        raise DriftcheckError(f"error: GITHUB_EVENT_PATH: {file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise DriftcheckError(f"error: GITHUB_EVENT_PATH: {file} is no event")
    return event


def _address(url: str, name: str) -> str:
    """The address of an API without its last slash, if it is one that a token may be sent to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        usable = usable and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise DriftcheckError(f"error: {name} is no address of an API: https://HOST/PATH is")
    return url.rstrip("/")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_commit(value: Any) -> bool:
    return isinstance(value, str) and bool(_COMMIT.fullmatch(value))

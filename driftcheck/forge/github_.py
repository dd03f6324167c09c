"""A pull request on GitHub; the only user of PyGithub.

Its requester makes each call once, with the token and to the API's host alone. Its objects are not used:
they call the addresses that an answer names, and fill in by themselves what an answer leaves out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from driftcheck import __version__
from driftcheck.errors import DriftcheckError
from driftcheck.forge import comment
from driftcheck.forge.faults import CallFailedError, words

try:
    import github
except ImportError:
    raise DriftcheckError("error: PyGithub is not installed: pip install 'driftcheck[github]'") from None

if TYPE_CHECKING:
    from driftcheck.forge import Comment
    from driftcheck.forge.where import Request, Run

_TIMEOUT = 30
_PAGE = 100
_MAX_PAGES = 300
_VIEWER = "query { viewer { login } }"
_REDIRECT, _MOVED = 300, 301
# for a redirect to another host, for an address that is not allowed, for damaged JSON; what the connection
# raises is an OSError
_FAULTS = (github.GithubException, AssertionError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class GitHub:
    """The ``Forge`` of one pull request."""

    name = "GitHub"

    def __init__(self, request: Request, token: str) -> None:
        self._repo, self._number, self._token = request.repo, request.number, token
        self._viewer = ""
        self._settled = False
        self._link = ""
        self._requester = github.Github(
            auth=github.Auth.Token(token),
            base_url=request.api,
            timeout=_TIMEOUT,
            user_agent=f"driftcheck/{__version__}",
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester

    @property
    def subject(self) -> str:
        """The request as messages call it."""
        return f"pull request {'' if self._number is None else f'{self._number} '}of {self._repo}"

    def settle(self, run: Run | None) -> None:
        """Find the open pull request whose head is the run's commit; a number that is given must be its.

        Raises:
            DriftcheckError: there is none, or several that nothing tells apart.
        """
        if run is None or self._settled:
            return
        found = [
            pull["number"]
            for pull in self._pages("/pulls", state="open", head=f"{run.owner}:{run.branch}")
            if self._is_of(pull, run)
        ]
        head = f"commit {run.commit[:7]} of {run.head}, which run {run.id} was for"
        if self._number is not None and self._number not in found:
            raise DriftcheckError(f"error: {self.subject} is not open or its head is not {head}")
        if not found:
            raise DriftcheckError(
                f"error: no open pull request has {head}: it was closed, or has later commits"
            )
        if self._number is None and len(found) > 1:
            raise DriftcheckError(f"error: {len(found)} open pull requests have {head}: name one with --pr")
        self._number = self._number or found[0]
        self._settled = True

    def viewer(self) -> str:
        """Who the token is, a person or an App's bot: GraphQL alone tells both."""
        if not self._viewer:
            answer = self._call("POST", self._requester.graphql_url, body={"query": _VIEWER})
            try:
                login = answer["data"]["viewer"]["login"]
            except (KeyError, TypeError):
                login = None
            if not isinstance(login, str) or not login:
                raise CallFailedError(0, f"it does not say whose the token is: {_message(answer)}")
            self._viewer = login
        return self._viewer

    def comments(self) -> list[Comment]:
        """All comments on the pull request, of every page."""
        return [_comment(each) for each in self._pages(f"/issues/{self._number}/comments")]

    def create(self, body: str) -> Comment:
        """Make a comment."""
        return _comment(self._repo_call("POST", f"/issues/{self._number}/comments", body={"body": body}))

    def update(self, number: int, body: str) -> Comment:
        """Replace a comment's text."""
        return _comment(self._repo_call("PATCH", f"/issues/comments/{number}", body={"body": body}))

    def delete(self, number: int) -> None:
        """Delete a comment."""
        self._repo_call("DELETE", f"/issues/comments/{number}")

    def _is_of(self, pull: Any, run: Run) -> bool:
        """Tell whether a pull request is this repository's and the run's commit is its head."""
        try:
            head, base = pull["head"], pull["base"]["repo"]["full_name"]
            return (
                isinstance(pull["number"], int)
                and pull["state"] == "open"
                and base.lower() == self._repo.lower()
                and (head["sha"], head["ref"]) == (run.commit, run.branch)
                and head["repo"]["full_name"] == run.head
            )
        except (KeyError, TypeError, AttributeError):
            return False

    def _pages(self, path: str, **parameters: str) -> list[Any]:
        """What a list holds. Pages that repeat, as after a redirect that lost its query, are no answer."""
        found: list[Any] = []
        ids: set[Any] = set()
        for page in range(1, _MAX_PAGES + 1):
            asked = {**parameters, "per_page": str(_PAGE), "page": str(page)}
            answer = self._repo_call("GET", path, parameters=asked)
            if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
                raise CallFailedError(0, "the answer is no list")
            new = {each.get("id") for each in answer}
            if new & ids or len(answer) > _PAGE:
                raise CallFailedError(0, "its pages repeat")
            ids |= new
            found += answer
            if 'rel="next"' not in self._link:
                return found
        raise CallFailedError(0, f"more than {_MAX_PAGES} pages")

    def _repo_call(self, verb: str, path: str, **more: Any) -> Any:
        return self._call(verb, f"/repos/{self._repo}{path}", **more)

    def _call(
        self, verb: str, path: str, parameters: dict[str, str] | None = None, body: object = None
    ) -> Any:
        try:
            status, headers, text = self._requester.requestJson(verb, path, parameters, input=body)
            answer = _parsed(text, status)
        except _FAULTS as error:
            # a redirect to elsewhere is what it refuses by these two
            status = _MOVED if isinstance(error, RuntimeError | AssertionError) else 0
            raise CallFailedError(status, words(error, self._token)) from None
        if status >= _REDIRECT:
            raise CallFailedError(status, _message(answer).replace(self._token, "(token)"), headers)
        self._link = str(headers.get("link", ""))
        return answer


def _parsed(text: str, status: int) -> Any:
    """An answer's JSON; a gateway's page that tells of an error has none."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        if status >= _REDIRECT:
            return None
        raise


def _comment(answer: Any) -> Comment:
    try:
        author = answer["user"]["login"] if answer["user"] else ""  # a deleted account
        return comment(answer["id"], author, answer["body"] or "")
    except (KeyError, TypeError):
        return comment(None, None, None)


def _message(data: Any) -> str:
    """What an answer says of itself, with the errors that a 422 lists."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    said = [data.get("message"), *(errors if isinstance(errors, list) else ())]
    return ": ".join(str(each.get("message") if isinstance(each, dict) else each) for each in said if each)

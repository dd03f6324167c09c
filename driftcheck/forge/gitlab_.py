"""A merge request on GitLab; the only user of python-gitlab.

Its session follows no redirect: the header with the token would go along, to any host.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from driftcheck import __version__
from driftcheck.errors import DriftcheckError
from driftcheck.forge import comment
from driftcheck.forge.faults import CallFailedError, words

try:
    import gitlab
except ImportError:
    raise DriftcheckError("error: python-gitlab is not installed: pip install 'driftcheck[gitlab]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftcheck.forge import Comment
    from driftcheck.forge.where import Request, Run

_TIMEOUT = 30.0
_PAGE = 100
_MAX_PAGES = 300
_ONCE: Any = {"obey_rate_limit": False, "retry_transient_errors": False}
_FAULTS = (gitlab.exceptions.GitlabError, AttributeError, LookupError, OSError, TypeError, ValueError)


class GitLab:
    """The ``Forge`` of one merge request."""

    name = "GitLab"

    def __init__(self, request: Request, token: str) -> None:
        self._token = token
        self._viewer = ""
        self._headers: dict[str, str] = {}
        self.subject = f"merge request {request.number} of {request.repo}"
        self._api = gitlab.Gitlab(
            request.api.removesuffix("/api/v4"),
            private_token=token,
            timeout=_TIMEOUT,
            user_agent=f"driftcheck/{__version__}",
            keep_base_url=True,
        )
        self._api.session.max_redirects = 0
        self._api.session.hooks["response"].append(self._keep_headers)
        project = self._api.projects.get(request.repo, lazy=True)
        self._notes = project.mergerequests.get(request.number or 0, lazy=True).notes

    def settle(self, run: Run | None) -> None:
        """Nothing to do: a pipeline of a merge request names it."""

    def viewer(self) -> str:
        """Who the token is: a person, or the bot of a project's token."""
        if not self._viewer:
            answer = self._call(lambda: self._api.http_get("/user", **_ONCE))
            login = answer.get("username") if isinstance(answer, dict) else None
            if not isinstance(login, str) or not login:
                raise CallFailedError(0, "it does not say whose the token is")
            self._viewer = login
        return self._viewer

    def comments(self) -> list[Comment]:
        """All comments on the merge request, of every page; what the system notes is none."""
        found: list[Comment] = []
        for page in range(1, _MAX_PAGES + 1):
            notes = self._call(partial(self._notes.list, page=page, per_page=_PAGE, sort="asc", **_ONCE))
            found += [_comment(each.asdict()) for each in notes if not each.asdict().get("system")]
            if len(notes) < _PAGE:
                return found
        raise CallFailedError(0, f"more than {_MAX_PAGES} pages")

    def create(self, body: str) -> Comment:
        """Make a comment."""
        return _comment(self._call(lambda: self._notes.create({"body": body}, **_ONCE).asdict()))

    def update(self, number: int, body: str) -> Comment:
        """Replace a comment's text."""
        return _comment(self._call(lambda: self._notes.update(number, {"body": body}, **_ONCE)))

    def delete(self, number: int) -> None:
        """Delete a comment."""
        self._call(lambda: self._notes.delete(number, **_ONCE))

    def _keep_headers(self, response: Any, **_: Any) -> None:
        self._headers = {str(key).lower(): str(value) for key, value in response.headers.items()}

    def _call(self, call: Callable[[], Any]) -> Any:
        self._headers = {}
        try:
            return call()
        except _FAULTS as error:
            status = getattr(error, "response_code", None) or 0
            # its exceptions lose the headers, and a redirect that is not followed has no status of its own
            if not status and "location" in self._headers:
                status = 301
            text = str(getattr(error, "error_message", "")).replace(self._token, "(token)")
            raise CallFailedError(status, text or words(error, self._token), self._headers) from None


def _comment(answer: Any) -> Comment:
    try:
        return comment(answer["id"], answer["author"]["username"], answer["body"])
    except (KeyError, TypeError):
        return comment(None, None, None)

"""``comment`` as a process against the parts of GitHub's API that it uses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.changes import invalid, many, rolled_out_later
from tests.documents import changed, document, drifted, in_sync
from tests.functional.forges import BOT, NUMBER, READ_ONLY, REPO, TOKEN, Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from driftcheck.document.entries import Document
    from tests.functional.conftest import Outcome, Run
    from tests.functional.forges import Answer
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

MARKER = "<!-- driftcheck:driftcheck -->"
SHA = "9d26bf3a4f0c2d1a9b7e6f5a3c8d2e1f0a9b8c7d"
OTHER_SHA = "0" * 40
RUN = {
    "id": 4242,
    "event": "pull_request",
    "head_sha": SHA,
    "head_branch": "rightsizing",
    "head_repository": {"full_name": "mallory/monitors", "owner": {"login": "mallory"}},
    "pull_requests": [],
}
OUTDATED = f"{MARKER}\n<!-- 2026-11-23T00:00:00Z -->\n\n## old\n"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge("github") as running:
        yield running


@pytest.fixture
def actions(forge: Forge, tmp_path: Path) -> dict[str, str | None]:
    """What a job of GitHub Actions sees, for an event of a pull request, and no AWS at all."""
    event(tmp_path, {"pull_request": {"number": NUMBER, "head": {"sha": SHA}}})
    (tmp_path / "summary.md").write_text("")
    return {
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")),
        "AWS_ENDPOINT_URL": None,
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.api,
        "GITHUB_REPOSITORY": REPO,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_TOKEN": TOKEN,
    }


@pytest.fixture
def comment(run: Run, actions: dict[str, str | None], tmp_path: Path) -> Callable[..., Outcome]:
    """Runs ``comment`` on a document; whatever happens, no token and no traceback is in what it says."""

    def on(
        made: Document, *args: str, env: Mapping[str, str | None] | None = None, seconds: float = 60
    ) -> Outcome:
        result = tmp_path / "result.json"
        result.write_text(json.dumps(made), "utf-8")
        before = result.read_bytes()
        ended = run("comment", "result.json", *args, env={**actions, **(env or {})}, seconds=seconds)
        said = ended.stdout + ended.stderr + (tmp_path / "summary.md").read_text("utf-8")
        assert TOKEN not in said
        assert "Traceback" not in said
        assert "bug in driftcheck" not in said
        assert result.read_bytes() == before
        return ended

    return on


def event(folder: Path, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "event.json").write_text(text, "utf-8")


def pull(number: int = NUMBER, **more: Any) -> dict[str, Any]:
    """An open pull request of the run's commit, as the API shows it."""
    head = {"sha": SHA, "ref": "rightsizing", "repo": {"full_name": "mallory/monitors"}}
    made = {
        "id": number,
        "number": number,
        "state": "open",
        "head": head,
        "base": {"repo": {"full_name": REPO}},
    }
    return {**made, **more}


def refused(status: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"message": message, "documentation_url": "https://docs.example.com/"}, named


# --- one comment, always current


def test_the_first_result_makes_a_comment(
    comment: Callable[..., Outcome], forge: Forge, service: Service
) -> None:
    ended = comment(rolled_out_later(), "--link", "https://ci.example.com/runs/1")

    assert (ended.exit_code, ended.stderr) == (0, f"comment on pull request 7 of {REPO}: created\n")
    (body,) = forge.bodies()
    assert body.startswith(
        f"{MARKER}\n<!-- 2026-11-24T02:17:00Z -->\n\n## ✅ Valid: rollout will replace 1 definition\n"
    )
    assert "commit `9d26bf3`" in body
    assert "[full report](https://ci.example.com/runs/1)" in body
    assert service.calls == []


def test_the_same_result_again_writes_nothing(comment: Callable[..., Outcome], forge: Forge) -> None:
    comment(rolled_out_later())
    forge.calls.clear()

    ended = comment(rolled_out_later())

    assert (ended.exit_code, ended.stderr) == (0, f"comment on pull request 7 of {REPO}: unchanged\n")
    assert forge.writes == []


def test_a_later_result_replaces_the_earlier_one(comment: Callable[..., Outcome], forge: Forge) -> None:
    comment(document(in_sync()))
    made = forge.comments[0]["id"]

    ended = comment(rolled_out_later())

    assert (ended.exit_code, ended.stderr) == (0, f"comment on pull request 7 of {REPO}: updated\n")
    assert [each["id"] for each in forge.comments] == [made]
    assert "rollout will replace 1 definition" in forge.bodies()[0]


def test_its_comment_is_found_behind_pages_of_others(comment: Callable[..., Outcome], forge: Forge) -> None:
    for number in range(250):
        forge.say(f"comment {number}")
    forge.say(OUTDATED, BOT)
    for number in range(60):
        forge.say(f"later {number}", "")  # whose account is deleted

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert ended.stderr.endswith(": updated\n")
    assert [each["page"] for each in (call.query for call in forge.calls) if "page" in each] == [
        "1",
        "2",
        "3",
        "4",
    ]
    assert len(forge.comments) == 311
    assert len(forge.bodies()) == 1


def test_only_its_own_comment_is_ever_touched(comment: Callable[..., Outcome], forge: Forge) -> None:
    foreign = [
        forge.say(OUTDATED, "mallory"),
        forge.say(OUTDATED, "other-app[bot]"),
        forge.say(f"quoting\n{OUTDATED}", BOT),
        forge.say(f" {OUTDATED}", BOT),
        forge.say(OUTDATED.replace(":driftcheck ", ":driftcheck-2 "), BOT),
    ]
    before = json.dumps(forge.comments)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert ended.stderr.endswith(": created\n")
    assert json.dumps([each for each in forge.comments if each["id"] in foreign]) == before
    assert len(forge.comments) == 6


def test_each_id_has_a_comment_of_its_own(comment: Callable[..., Outcome], forge: Forge) -> None:
    comment(rolled_out_later(), "--id", "eu")
    comment(rolled_out_later(), "--id", "us")
    comment(document(in_sync()), "--id", "eu")

    assert [body.splitlines()[0] for body in forge.bodies()] == [
        "<!-- driftcheck:eu -->",
        "<!-- driftcheck:us -->",
    ]
    assert "No drift" in forge.bodies()[0]


def test_doubles_are_collapsed_into_the_oldest(comment: Callable[..., Outcome], forge: Forge) -> None:
    first, *_ = [forge.say(OUTDATED, BOT) for _ in range(3)]
    forge.say("a person's", "somebody")

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert [each["id"] for each in forge.comments if each["author"] == BOT] == [first]
    assert "rollout will replace" in forge.bodies()[0]
    assert forge.bodies("somebody") == ["a person's"]


def test_a_double_that_cannot_be_deleted_is_no_success(comment: Callable[..., Outcome], forge: Forge) -> None:
    forge.say(OUTDATED, BOT)
    forge.say(OUTDATED, BOT)
    forge.fail("DELETE", refused(403, READ_ONLY))

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert "may only read" in ended.stderr


def test_what_another_run_made_meanwhile_is_collapsed_too(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    # the list does not show yet what another job made a moment ago
    forge.say(OUTDATED, BOT)
    forge.fail("GET", (200, [], {}), path="/comments")

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    (body,) = forge.bodies()
    assert "rollout will replace" in body


def test_a_slow_run_does_not_put_back_what_a_later_one_replaced(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    newer = f"{MARKER}\n<!-- 2026-11-24T02:30:00Z -->\n\n## newer\n"
    forge.say(newer, BOT)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert ended.stderr.endswith(": left as it is: it shows a newer result\n")
    assert forge.bodies() == [newer]


def test_a_result_that_claims_to_come_from_the_future_holds_nothing_up(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    forge.say(f"{MARKER}\n<!-- 9999-12-31T23:59:59Z -->\n\n## all is well\n", BOT)

    assert comment(rolled_out_later()).exit_code == 0
    assert "rollout will replace" in forge.bodies()[0]


def test_line_ends_that_the_forge_changed_are_no_change(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    comment(rolled_out_later())
    forge.comments[0]["body"] = forge.comments[0]["body"].replace("\n", "\r\n").rstrip()
    forge.calls.clear()

    assert comment(rolled_out_later()).exit_code == 0
    assert forge.writes == []


# --- what goes wrong on the way: never two comments, never a silent success


@pytest.mark.parametrize(
    "answer",
    [None, (502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}), (500, {"message": "x"}, {})],
    ids=["reset", "bad gateway", "server error"],
)
@pytest.mark.parametrize("does", [True, False], ids=["stored", "not stored"])
def test_a_creation_without_an_answer_makes_one_comment(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer | None, does: bool
) -> None:
    forge.fail("POST", answer, path="/comments", does=does)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert len(forge.bodies()) == 1
    assert len([each for each in forge.writes if each[0] == "POST"]) == (1 if does else 2)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_outage_that_ends_is_waited_out(
    comment: Callable[..., Outcome], forge: Forge, method: str
) -> None:
    forge.say(OUTDATED, BOT)
    forge.fail(method, (503, b"", {}), times=2)

    assert comment(rolled_out_later()).exit_code == 0
    assert len(forge.bodies()) == 1
    assert "rollout will replace" in forge.bodies()[0]


def test_an_outage_that_does_not_end_is_a_failure(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    forge.fail("POST", (500, {"message": "Server Error"}, {}), path="/comments", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert ended.stderr == (
        "error: GitHub failed, and the comment may be out of date (500: Server Error); "
        "the report is in the step's summary\n"
    )
    assert len(forge.writes) == 4
    assert "rollout will replace" in (tmp_path / "summary.md").read_text("utf-8")


def test_a_comment_that_is_deleted_meanwhile_is_made_anew(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    forge.say(OUTDATED, BOT)
    forge.fail("PATCH", refused(404, "Not Found"))
    seen = forge.comments.copy()
    forge.comments.clear()
    shown = [forge._shown(each) for each in seen]
    forge.fail("GET", (200, shown, {}), path="/comments")

    ended = comment(rolled_out_later())

    assert ended.exit_code == 0
    assert ended.stderr.endswith(": created\n")
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            refused(401, "Bad credentials"),
            "GitHub does not take the token: it is wrong, expired or revoked (401: Bad credentials)",
        ),
        (
            refused(403, "Unable to create comment because issue is locked."),
            f"the conversation of pull request 7 of {REPO} is locked (403: ",
        ),
        (
            refused(403, "Must have admin rights to Repository."),
            f"the token may not comment on pull request 7 of {REPO}: see its permissions (403: ",
        ),
        (
            refused(404, "Not Found"),
            f"there is no pull request 7 of {REPO}, or the token cannot see it (404: ",
        ),
        (
            (422, {"message": "Validation Failed", "errors": [{"message": "Body is too long"}]}, {}),
            f"GitHub does not take the comment on pull request 7 of {REPO} (422: Validation Failed: Body is ",
        ),
        (
            refused(
                403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="4102444800"
            ),
            "GitHub's rate limit is used up until 2100-01-01 00:00:00 UTC (403: API rate limit exceeded)",
        ),
        (
            refused(429, "You have exceeded a secondary rate limit", Retry_After="3600"),
            "GitHub's rate limit is used up for 3600 seconds (429: ",
        ),
        (
            (200, {"message": "Moved"}, {}),
            "GitHub cannot be reached, or its answer is damaged: the answer is no",
        ),
        (
            (200, b'{"id": 1, "bo', {}),
            "GitHub cannot be reached, or its answer is damaged: JSONDecodeError: ",
        ),
    ],
    ids=["401", "locked", "403", "404", "422", "rate", "secondary rate", "no comment", "damaged"],
)
def test_a_refusal_is_one_line_with_the_reason(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer, says: str, tmp_path: Path
) -> None:
    forge.fail("POST", answer, path="/comments", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {says}")
    assert line.endswith("; the report is in the step's summary")
    assert forge.bodies() == []
    assert "## ✅ Valid" in (tmp_path / "summary.md").read_text("utf-8")


def test_a_forks_token_is_explained_and_the_report_is_in_the_summary(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    forge.fail("POST", refused(403, READ_ONLY), path="/comments", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert ended.stderr == (
        "error: the token may only read: give it `pull-requests: write`; on a pull request from a fork it "
        "never has that, and docs/pull-requests.md shows the way with two workflows "
        "(403: Resource not accessible by integration); the report is in the step's summary\n"
    )
    assert len(forge.writes) == 1
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert "## ✅ Valid: rollout will replace 1 definition\n" in summary
    assert MARKER not in summary


@pytest.mark.parametrize(
    "answer",
    [
        refused(403, "You have exceeded a secondary rate limit", Retry_After="1"),
        refused(429, "slow down", Retry_After="1"),
        refused(403, "API rate limit exceeded for x", x_ratelimit_remaining="0", x_ratelimit_reset="1"),
    ],
    ids=["secondary", "429", "primary"],
)
def test_a_short_rate_limit_is_waited_for(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer
) -> None:
    forge.fail("POST", answer, path="/comments")

    assert comment(rolled_out_later()).exit_code == 0
    assert len(forge.bodies()) == 1


def test_retry_after_is_kept_to(comment: Callable[..., Outcome], forge: Forge) -> None:
    forge.fail("POST", refused(429, "slow down", Retry_After="3"), path="/comments")

    started = time.monotonic()
    assert comment(rolled_out_later()).exit_code == 0
    assert time.monotonic() - started >= 3


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_follows_no_redirect_to_another_host(
    comment: Callable[..., Outcome], forge: Forge, status: int, method: str
) -> None:
    to = forge.elsewhere.replace("127.0.0.1", "localhost")
    forge.fail(method, (status, {"message": "Moved"}, {"Location": f"{to}/x"}), path="/comments", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: GitHub redirects, and the token goes nowhere else")
    assert forge.strays == []
    assert forge.bodies() == []


def test_an_answers_addresses_are_not_called(comment: Callable[..., Outcome], forge: Forge) -> None:
    forge.say(OUTDATED, BOT)  # whose `url` leads elsewhere
    rest = f'<{forge.elsewhere}/api/v3/comments?page=2>; rel="next"'
    forge.fail("GET", (200, [forge._shown(forge.comments[0])], {"Link": rest}), path="/comments")

    assert comment(rolled_out_later()).exit_code == 0
    assert forge.strays == []


def test_pages_that_repeat_are_no_list(comment: Callable[..., Outcome], forge: Forge) -> None:
    """As after a redirect whose query is lost: the own comment may be on a page that is never seen."""
    page = [{"id": each, "body": "x", "user": None} for each in range(30)]
    forge.fail("GET", (200, page, {"Link": '<x>; rel="next"'}), path="/comments", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert "its pages repeat" in ended.stderr
    assert forge.writes == []


def test_nobody_listens(comment: Callable[..., Outcome]) -> None:
    ended = comment(rolled_out_later(), env={"GITHUB_API_URL": "http://127.0.0.1:9"})

    assert ended.exit_code == 1
    assert ended.stderr == (
        "error: GitHub cannot be reached, or its answer is damaged: ConnectionRefusedError: [Errno 111] "
        "Connection refused; the report is in the step's summary\n"
    )


@pytest.mark.parametrize("answer", [(200, {"data": None}, {}), (200, {"errors": [{"message": "no"}]}, {})])
def test_who_the_token_is_has_to_be_known(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer
) -> None:
    forge.say(OUTDATED, BOT)
    forge.fail("POST", answer, path="/graphql", times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert "it does not say whose the token is" in ended.stderr
    assert forge.writes == []


# --- which pull request


@pytest.mark.parametrize(
    "content",
    [
        {"pull_request": {"number": NUMBER}},
        {"pull_request": {"number": NUMBER, "head": {"sha": "@team"}}},
        {"issue": {"number": NUMBER, "pull_request": {"url": "x"}}, "comment": {}},
    ],
    ids=["pull_request", "odd head", "issue_comment"],
)
def test_the_events_that_are_of_a_pull_request(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path, content: object
) -> None:
    event(tmp_path, content)

    assert comment(rolled_out_later()).exit_code == 0
    assert len(forge.bodies()) == 1
    assert "@team" not in forge.bodies()[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"ref": "refs/heads/main", "commits": []}, "is of no pull request: name one with --repo and --pr"),
        ({"issue": {"number": NUMBER}}, "is of no pull request"),
        ({"pull_request": {"number": "7; rm"}}, "has no pull request's number"),
        ({"pull_request": {"number": True}}, "has no pull request's number"),
        ([1], "is no event"),
        ("{", "is no event"),
        ("[" * 100_000, "is no event"),
        ({"workflow_run": {**RUN, "event": "push"}}, "was not started by a pull request"),
        ({"workflow_run": {**RUN, "head_repository": None}}, "repository is deleted"),
        ({"workflow_run": {**RUN, "head_sha": "HEAD"}}, "does not tell whose run it is"),
        ({"workflow_run": None}, "was not started by a pull request"),
    ],
    ids=[
        *("push", "issue", "text", "boolean", "list", "damaged", "deep"),
        *("run of a push", "deleted fork", "no commit", "no run"),
    ],
)
def test_an_event_of_no_pull_request_is_one_line(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path, content: object, says: str
) -> None:
    event(tmp_path, content)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line
    assert forge.calls == []
    assert "## ✅ Valid" in (tmp_path / "summary.md").read_text("utf-8")


def test_options_name_a_pull_request_outside_of_a_ci(run: Run, forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(rolled_out_later()))
    env = {"GITHUB_API_URL": forge.api, "GH_TOKEN": f"{TOKEN}\n", "AWS_ACCESS_KEY_ID": None}

    ended = run("comment", "r.json", "--repo", REPO, "--pr", str(NUMBER), env=env)

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (["--repo", "a/b"], {"GITHUB_EVENT_PATH": None}, "no pull request: name one with --repo and --pr"),
        (["--repo", "../../orgs", "--pr", "1"], {}, "is no repository"),
        (["--repo", "a/..", "--pr", "1"], {}, "is no repository"),
        (["--repo", "a/b?x=y", "--pr", "1"], {}, "is no repository"),
        (["--pr", "0"], {}, "--pr"),
        (["--id", "a --> b"], {}, "--id"),
        (["--id", "x" * 65], {}, "--id"),
        (["--link", "javascript:alert(1)"], {}, "--link"),
        ([], {"GITHUB_TOKEN": None}, "no token: set GITHUB_TOKEN or GH_TOKEN"),
        ([], {"GITHUB_TOKEN": "two words"}, "GITHUB_TOKEN holds characters that no token has"),
        ([], {"GITHUB_API_URL": "file:///etc"}, "GITHUB_API_URL is no address"),
        ([], {"GITHUB_API_URL": "https://user:secret@e.example"}, "GITHUB_API_URL is no address"),
        ([], {"GITHUB_EVENT_PATH": "/nowhere"}, "/nowhere cannot be read"),
    ],
    ids=[
        *("no number", "repo above", "repo dots", "repo query", "number", "id", "long id", "link"),
        *("no token", "odd token", "file", "userinfo", "no event"),
    ],
)
def test_a_wrong_option_or_variable_is_one_line(
    comment: Callable[..., Outcome], forge: Forge, args: list[str], env: dict[str, str | None], says: str
) -> None:
    ended = comment(rolled_out_later(), *args, env=env)

    assert ended.exit_code == 1
    assert says in ended.stderr.splitlines()[-1]
    assert "secret" not in ended.stderr
    assert forge.calls == []


# --- another workflow's run: the result is hostile, and only its run says which pull request it is of


def test_a_run_of_a_fork_finds_its_pull_request(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    event(tmp_path, {"workflow_run": RUN})
    forge.pulls = [
        pull(5, head={**pull()["head"], "sha": OTHER_SHA}),
        pull(6, head={**pull()["head"], "repo": {"full_name": "mallory/other"}}),
        pull(8, state="closed"),
        pull(9, base={"repo": {"full_name": "mallory/monitors"}}),
        pull(10, head={**pull()["head"], "repo": None}),
        pull(),
    ]
    forge.pulls[4]["head"]["repo"] = {"full_name": "mallory/none"}

    ended = comment(rolled_out_later())

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == f"comment on pull request 7 of {REPO}: created\n"
    (body,) = forge.bodies()
    assert body.endswith("**made by the code of a fork, which can make it say anything**</sub>\n")
    assert "commit `9d26bf3`" in body


def test_a_run_of_the_repository_itself_is_trusted(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    own = {"full_name": REPO, "owner": {"login": "acme"}}
    event(tmp_path, {"workflow_run": {**RUN, "head_repository": own}})
    forge.pulls = [pull(head={**pull()["head"], "repo": own})]

    assert comment(rolled_out_later()).exit_code == 0
    assert "fork" not in forge.bodies()[0]


@pytest.mark.parametrize(
    ("pulls", "args", "says"),
    [
        ([], [], "no open pull request has commit 9d26bf3 of mallory/monitors, which run 4242 was for"),
        ([pull(head={**pull()["head"], "sha": OTHER_SHA})], [], "no open pull request has commit 9d26bf3"),
        ([pull(6), pull(7)], [], "2 open pull requests have commit 9d26bf3"),
        (
            [pull(6)],
            ["--pr", "7"],
            f"pull request 7 of {REPO} is not open or its head is not commit 9d26bf3 of mallory/monitors",
        ),
    ],
    ids=["closed", "moved on", "two", "another one is named"],
)
def test_a_run_comments_on_no_pull_request_but_its_own(
    comment: Callable[..., Outcome],
    forge: Forge,
    tmp_path: Path,
    pulls: list[dict[str, Any]],
    args: list[str],
    says: str,
) -> None:
    event(tmp_path, {"workflow_run": RUN})
    forge.pulls = pulls

    ended = comment(rolled_out_later(), *args)

    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"error: {says}")
    assert forge.writes == []


def test_a_run_with_two_pull_requests_takes_the_named_one(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    event(tmp_path, {"workflow_run": RUN})
    forge.pulls = [pull(6), pull(7)]

    assert comment(rolled_out_later(), "--pr", "7").exit_code == 0
    assert len(forge.bodies()) == 1


def test_a_hostile_result_acts_on_nobody(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    event(tmp_path, {"workflow_run": {**RUN, "head_branch": "x\n::error::y&head=z:main"}})
    head = {**pull()["head"], "ref": "x\n::error::y&head=z:main"}
    forge.pulls = [pull(head=head)]
    attack = "`</code></summary>@team\n/approve\n::error::x ![](https://e.example/x) -->"
    made = document(drifted(changed([attack], attack, attack), name=attack))
    more: Any = {
        **made,
        "repository": "victim/repo",
        "pull_request": 1,
        "marker": "<!-- x -->",
        "templates": "/",
    }

    ended = comment(more)

    assert ended.exit_code == 0
    assert [path for _, path in forge.writes] == [f"/api/v3/repos/{REPO}/issues/{NUMBER}/comments"]
    (body,) = forge.bodies()
    assert not re.search(r"^\s*(::|/)", body, re.MULTILINE)
    assert "::" not in ended.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"format_version": "2.0"}', "format version '2.0' is not one that driftcheck"),
        ("{", "not a JSON document"),
        ("[]", "it has no format_version"),
        (" " * 50_000_001, "larger than 50 MB"),
    ],
    ids=["version", "damaged", "another", "large"],
)
def test_a_result_that_is_none_is_one_line(
    run: Run, actions: dict[str, str | None], forge: Forge, tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "r.json").write_text(content)

    ended = run("comment", "r.json", env=actions)

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("r.json: error: ")
    assert says in line
    assert forge.calls == []


# --- it fits; the summary; the annotations


def test_a_result_that_is_too_long_is_taken(comment: Callable[..., Outcome], forge: Forge) -> None:
    ended = comment(many(2_000, 3), "--link", "https://ci.example.com/1")

    assert ended.exit_code == 0
    (body,) = forge.bodies()
    assert "[the full report](https://ci.example.com/1)" in body


@pytest.mark.parametrize("letter", ["x", "🌈"])
def test_the_summary_stays_below_a_mebibyte_together_with_what_is_there(
    comment: Callable[..., Outcome], tmp_path: Path, letter: str
) -> None:
    there = "漢" * 100_000
    summary = tmp_path / "summary.md"
    summary.write_text(there, "utf-8")
    width = (1_048_576 - 300_000) // len(letter.encode())

    assert comment(many(1, 1, width, letter)).exit_code == 0
    assert len(summary.read_bytes()) < 302_000
    assert summary.read_text("utf-8").startswith(there)
    assert "Too long to show in full" in summary.read_text("utf-8")

    summary.write_text(there, "utf-8")
    assert comment(many(1, 1, width - 2_000, letter)).exit_code == 0
    assert 1_030_000 < len(summary.read_bytes()) < 1_048_576


def test_a_summary_without_room_or_that_cannot_be_written_is_said(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    (tmp_path / "summary.md").write_text("x" * 1_048_500)
    full = comment(rolled_out_later())
    folder = comment(rolled_out_later(), env={"GITHUB_STEP_SUMMARY": str(tmp_path)})

    assert (full.exit_code, folder.exit_code) == (1, 1)
    assert "error: the step's summary has no room left for the report\n" in full.stderr
    assert f"error: GITHUB_STEP_SUMMARY: {tmp_path} cannot be written: Is a directory\n" in folder.stderr
    assert len(forge.bodies()) == 1


def test_no_summary_and_no_annotations_where_they_are_not_wanted(
    comment: Callable[..., Outcome], tmp_path: Path
) -> None:
    ended = comment(rolled_out_later(), "--no-summary", "--no-annotations", "--quiet")

    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "summary.md").read_text() == ""


def test_annotations_are_printed_in_github_actions_alone(comment: Callable[..., Outcome]) -> None:
    made = invalid("1,000% wrong:\n::error::x")

    inside, outside = comment(made), comment(made, env={"GITHUB_ACTIONS": None})

    assert inside.stdout == (
        "::error file=desired/a.yaml,line=3,title=driftcheck%3A invalid::1,000%25 wrong:\\n::error::x\n"
        "::notice title=driftcheck%3A targets::prod: account …9012, region eu-west-1\n"
    )
    assert outside.stdout == ""


@pytest.mark.parametrize(
    ("missing", "env", "says"),
    [
        ("github", {"GH_TOKEN": "x"}, "error: PyGithub is not installed: pip install 'driftcheck[github]'\n"),
        (
            "gitlab",
            {"GITLAB_TOKEN": "x"},
            "error: python-gitlab is not installed: pip install 'driftcheck[gitlab]'\n",
        ),
    ],
)
def test_a_library_that_is_not_installed_is_one_line(
    environment: dict[str, str], tmp_path: Path, missing: str, env: dict[str, str], says: str
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(rolled_out_later()))

    ended = without(
        [missing], ["comment", "r.json", "--repo", REPO, "--pr", "7"], tmp_path, environment | env
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", says)


def test_nothing_that_calls_aws_is_loaded(
    environment: dict[str, str], actions: dict[str, str | None], forge: Forge, tmp_path: Path
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(rolled_out_later()))
    env = {key: value for key, value in {**environment, **actions}.items() if value is not None}

    ended = without(["boto3", "botocore", "driftcheck.aws"], ["comment", "r.json"], tmp_path, env)

    assert (ended.returncode, ended.stderr) == (0, f"comment on pull request 7 of {REPO}: created\n")
    assert len(forge.bodies()) == 1


def without(
    modules: list[str], args: list[str], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``driftcheck`` where some modules cannot be imported."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({modules!r})); sys.argv[0] = 'driftcheck'; "
        "from driftcheck.__main__ import main; main()"
    )
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_closed_output_keeps_no_comment_from_being_made(
    environment: dict[str, str], actions: dict[str, str | None], forge: Forge, tmp_path: Path
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(rolled_out_later()))
    command = f"exec {shlex.quote(sys.executable)} -m driftcheck comment r.json >&-"
    env = {key: value for key, value in {**environment, **actions}.items() if value is not None}

    ended = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60
    )

    assert ended.returncode == 1
    assert "error: standard output cannot be written" in ended.stderr
    assert len(forge.bodies()) == 1


def test_a_dry_run_is_utf_8_whatever_the_terminal_takes(comment: Callable[..., Outcome]) -> None:
    ended = comment(rolled_out_later(), "--dry-run", env={"PYTHONIOENCODING": "latin-1"})

    assert "## ✅ Valid" in ended.stdout


def test_a_dry_run_prints_the_comment_and_calls_nobody(
    comment: Callable[..., Outcome], forge: Forge, tmp_path: Path
) -> None:
    ended = comment(rolled_out_later(), "--dry-run", env={"GITHUB_TOKEN": None, "GITHUB_EVENT_PATH": None})

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"{MARKER}\n")
    assert forge.calls == []
    assert (tmp_path / "summary.md").read_text() == ""

"""``comment`` as a process against the parts of GitLab's API that it uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.changes import many, rolled_out_later
from tests.documents import document, in_sync
from tests.functional.forges import NUMBER, REPO, TOKEN, Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from driftcheck.document.entries import Document
    from tests.functional.conftest import Outcome, Run
    from tests.functional.forges import Answer

pytestmark = pytest.mark.slow

MARKER = "<!-- driftcheck:driftcheck -->"
OUTDATED = f"{MARKER}\n<!-- 2026-11-23T00:00:00Z -->\n\n## old\n"
BOT = "project_12_bot_0a1b2c"
SUBJECT = f"merge request {NUMBER} of {REPO}"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge("gitlab", viewer=BOT) as running:
        yield running


@pytest.fixture
def comment(run: Run, forge: Forge, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs ``comment`` on a document, as in a job of a merge request's pipeline that a fork started."""

    def on(made: Document, *args: str, env: Mapping[str, str | None] | None = None) -> Outcome:
        (tmp_path / "result.json").write_text(json.dumps(made), "utf-8")
        pipeline = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": forge.api,
            "CI_PROJECT_ID": "99",
            "CI_MERGE_REQUEST_PROJECT_ID": REPO,
            "CI_MERGE_REQUEST_IID": str(NUMBER),
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "9d26bf3a4f0c2d1a9b7e6f5a3c8d2e1f0a9b8c7d",
            "GITLAB_TOKEN": TOKEN,
            "CI_JOB_TOKEN": "job-token-that-cannot-comment",
        }
        ended = run("comment", "result.json", *args, env={**pipeline, **(env or {})})
        assert TOKEN not in ended.stdout + ended.stderr
        assert "job-token" not in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        assert "bug in driftcheck" not in ended.stderr
        return ended

    return on


def test_one_comment_is_made_kept_and_brought_up_to_date(
    comment: Callable[..., Outcome], forge: Forge
) -> None:
    made = comment(document(in_sync()))
    again = comment(document(in_sync()))
    updated = comment(rolled_out_later())

    assert [each.exit_code for each in (made, again, updated)] == [0, 0, 0]
    assert [each.stderr for each in (made, again, updated)] == [
        f"comment on {SUBJECT}: created\n",
        f"comment on {SUBJECT}: unchanged\n",
        f"comment on {SUBJECT}: updated\n",
    ]
    (body,) = forge.bodies()
    assert body.startswith(f"{MARKER}\n")
    assert "rollout will replace 1 definition" in body
    assert "commit `9d26bf3`" in body
    assert [method for method, _ in forge.writes] == ["POST", "PUT"]


def test_its_comment_is_found_behind_pages_of_others(comment: Callable[..., Outcome], forge: Forge) -> None:
    for number in range(230):
        forge.say(f"changed the description {number}", BOT, system=True)
    forge.say(OUTDATED, BOT, system=True)
    forge.say(OUTDATED, "mallory")
    kept = forge.say(OUTDATED, BOT)
    forge.say(OUTDATED, BOT)

    ended = comment(rolled_out_later())

    assert (ended.exit_code, ended.stderr) == (0, f"comment on {SUBJECT}: updated\n")
    assert len(forge.comments) == 233
    (mine,) = [each for each in forge.comments if each["author"] == BOT and not each["system"]]
    assert mine["id"] == kept
    assert "rollout will replace 1 definition" in mine["body"]
    assert forge.bodies("mallory") == [OUTDATED]


def test_its_limit_is_not_githubs(comment: Callable[..., Outcome], forge: Forge) -> None:
    assert comment(many(1_000, 3, letter="漢")).exit_code == 0
    (body,) = forge.bodies()
    assert 65_536 < len(body) <= 1_000_000
    assert "Too long" not in body

    assert comment(many(9_000, 3)).exit_code == 0
    assert "Too long" in forge.bodies()[0]


@pytest.mark.parametrize("does", [True, False], ids=["stored", "not stored"])
@pytest.mark.parametrize(
    "answer", [None, (502, b"<html>", {"Content-Type": "text/html"})], ids=["reset", "502"]
)
def test_a_creation_without_an_answer_makes_one_comment(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer | None, does: bool
) -> None:
    forge.fail("POST", answer, does=does)

    assert comment(rolled_out_later()).exit_code == 0
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, {"message": "401 Unauthorized"}, {}), "GitLab does not take the token: it is wrong, expired"),
        (
            (403, {"message": "403 Forbidden"}, {}),
            f"the token may not comment on {SUBJECT}: see its permissions",
        ),
        (
            (404, {"message": "404 Not found"}, {}),
            f"there is no {SUBJECT}, or the token cannot see it (404: ",
        ),
        (
            (400, {"message": {"note": ["is too long"]}}, {}),
            f"GitLab does not take the comment on {SUBJECT} (400: ",
        ),
        (
            (429, {"message": "slow down"}, {"Retry-After": "3600"}),
            "GitLab's rate limit is used up for 3600 seconds (429: slow down)",
        ),
        (
            (429, b"Retry later", {"RateLimit-Reset": "4102444800", "Content-Type": "text/plain"}),
            "GitLab's rate limit is used up until 2100-01-01 00:00:00 UTC (429: Retry later)",
        ),
        (
            (201, {"id": 1}, {}),
            "GitLab cannot be reached, or its answer is damaged: the answer is no comment",
        ),
        ((201, b'{"id', {}), "GitLab cannot be reached, or its answer is damaged: "),
    ],
    ids=["401", "403", "404", "400", "429", "429 until", "no comment", "damaged"],
)
def test_a_refusal_is_one_line_with_the_reason(
    comment: Callable[..., Outcome], forge: Forge, answer: Answer, says: str
) -> None:
    forge.fail("POST", answer, times=99)

    ended = comment(rolled_out_later())

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {says}")
    assert forge.bodies() == []


def test_a_short_rate_limit_is_waited_for(comment: Callable[..., Outcome], forge: Forge) -> None:
    forge.fail("POST", (429, {"message": "slow down"}, {"Retry-After": "1"}))
    forge.fail("GET", (429, {"message": "slow down"}, {"Retry-After": "1"}), path="/user")

    assert comment(rolled_out_later()).exit_code == 0
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("method", "path"), [("GET", "/user"), ("GET", "/notes"), ("POST", "/notes")])
def test_the_token_follows_no_redirect(
    comment: Callable[..., Outcome], forge: Forge, status: int, method: str, path: str
) -> None:
    to = forge.elsewhere.replace("127.0.0.1", "localhost")
    forge.fail(method, (status, None, {"Location": f"{to}/x"}), path=path, times=99)

    ended = comment(rolled_out_later())

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: GitLab redirects, and the token goes nowhere else")
    assert forge.strays == []
    assert forge.bodies() == []


def test_pages_are_asked_for_where_the_api_is(comment: Callable[..., Outcome], forge: Forge) -> None:
    for number in range(100):
        forge.say(f"comment {number}")
    forge.say(OUTDATED, BOT)
    page = [forge._shown(each) for each in forge.comments[:100]]
    rest = f'<{forge.elsewhere}/api/v4/x?page=2>; rel="next"'
    forge.fail("GET", (200, page, {"Link": rest}), path="/notes")

    assert comment(rolled_out_later()).exit_code == 0
    assert forge.strays == []
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (
            {"GITLAB_TOKEN": None},
            "CI_JOB_TOKEN cannot comment: set GITLAB_TOKEN to a project access token of scope",
        ),
        ({"GITLAB_TOKEN": None, "CI_JOB_TOKEN": None}, "no token: set GITLAB_TOKEN"),
        (
            {"CI_MERGE_REQUEST_IID": None},
            "CI_MERGE_REQUEST_IID is not set: run the job in merge request pipelines",
        ),
        ({"CI_MERGE_REQUEST_IID": "7/../8"}, "CI_MERGE_REQUEST_IID is not set"),
        ({"CI_API_V4_URL": "https://gitlab.example.com"}, "CI_API_V4_URL must end in /api/v4"),
        ({"CI_MERGE_REQUEST_PROJECT_ID": "../x"}, "`../x` is no project"),
    ],
    ids=["job token", "no token", "no request", "odd request", "address", "project"],
)
def test_a_wrong_variable_is_one_line(
    comment: Callable[..., Outcome], forge: Forge, env: dict[str, str | None], says: str
) -> None:
    ended = comment(rolled_out_later(), env=env)

    assert ended.exit_code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {says}")
    assert forge.calls == []


def test_options_name_a_merge_request_outside_of_a_ci(run: Run, forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(rolled_out_later()))
    env = {"CI_API_V4_URL": forge.api, "GITLAB_TOKEN": TOKEN}

    ended = run("comment", "r.json", "--repo", REPO, "--pr", str(NUMBER), env=env)

    assert (ended.exit_code, ended.stderr) == (0, f"comment on {SUBJECT}: created\n")

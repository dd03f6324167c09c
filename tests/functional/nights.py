"""Nights of one store, on a folder or on S3, with faults by the test's word, and all that hears of them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from driftcheck.notices.text import REPEATED
from driftcheck.objects import FolderObjects
from driftcheck.places import PlaceError
from tests.functional import inside
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal
from tests.functional.gateway import DENIED, Asked, Gateway, Reply
from tests.sites import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from tests.functional.service import Service

NAMES = ("churn", "fraud", "price")
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:drift"
FIRST = datetime(2026, 3, 1, 2, 17, tzinfo=UTC)
BUCKET = "nights"


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Faults:
    """What the store refuses: operations and names, as patterns; ``kill_in`` counts the writes of a life."""

    refused: list[tuple[str, str]] = field(default_factory=list)
    kill_in: int | None = None

    def refuses(self, operation: str, name: str) -> bool:
        return any(fnmatchcase(operation, each) and fnmatchcase(name, of) for each, of in self.refused)

    def write(self) -> None:
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in <= 0:
                raise KilledError

    def on_s3(self, asked: Asked) -> Reply | None:
        """What the bucket answers to a request, with the store under ``fleet/``."""
        parts = urlsplit(asked.path)
        name = unquote(parts.path).removeprefix(f"/{BUCKET}").removeprefix("/fleet/")
        operation = {"GET": "get", "PUT": "put", "DELETE": "delete"}.get(asked.method, "")
        if "list-type" in parse_qs(parts.query):
            operation, name = "names", parse_qs(parts.query)["prefix"][0].removeprefix("fleet/")
        return DENIED if self.refuses(operation, name) else None


@dataclass
class Nights:
    """Nights of one store, each a day later, in this process; three channels hear of them.

    ``s3`` is a client where the store is on S3, and ``gateway`` what stands before it.
    """

    place: str
    folder: Path
    environment: dict[str, str]
    faults: Faults
    clock: inside.Clock
    bus: Gateway
    chat: Gateway
    topic: Gateway
    s3: Any = None
    gateway: Gateway | None = None
    site: str | None = None
    said: str = ""

    def run(self, *more: str, store: str | None = None) -> int | None:
        """The exit code of a night; None where it was killed."""
        self.clock.passes(timedelta(days=1))
        publish = () if self.site is None else ("--publish", self.site)
        args = ("nightly", "--store", store or self.place, "--quiet", "--remind", "0d", *publish, *more)
        try:
            code, _, self.said = inside.run(args, self.folder, self.environment)
        except KilledError:
            return None
        finally:
            self.faults.kill_in = None
        assert "bug in driftcheck" not in self.said, self.said
        return code

    @property
    def at(self) -> datetime:
        return self.clock.at

    def kept(self, of: str = "fleet") -> dict[str, bytes]:
        """What is in the store, or in the ``site``, without its lock."""
        if self.s3 is not None:
            keys = [
                each["Key"]
                for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{of}/")
                for each in page.get("Contents", ())
            ]
            return {
                key.removeprefix(f"{of}/"): self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                for key in keys
                if not key.endswith("/lock.json")
            }
        root = self.folder / ("kept" if of == "fleet" else of)
        files = [file for file in root.rglob("*") if file.is_file() and file.name != ".lock"]
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}

    def runs(self) -> dict[str, bytes]:
        """The documents in the store, by their names."""
        return {name: content for name, content in self.kept().items() if name.startswith("runs/")}

    def put(self, name: str, content: bytes) -> None:
        """Put something into the store, past driftcheck."""
        if self.s3 is not None:
            self.s3.put_object(Bucket=BUCKET, Key=f"fleet/{name}", Body=content)
        else:
            (self.folder / "kept" / name).write_bytes(content)

    def delete(self, name: str) -> None:
        """Take something away from the store, past driftcheck."""
        if self.s3 is not None:
            self.s3.delete_object(Bucket=BUCKET, Key=f"fleet/{name}")
        else:
            (self.folder / "kept" / name).unlink()

    def free(self) -> None:
        """Free the locks, as an operator may who knows that the run is dead, and does not want to wait."""
        if self.s3 is not None:
            for of in ("fleet", "site"):
                self.s3.delete_object(Bucket=BUCKET, Key=f"{of}/lock.json")

    def broken(self) -> list[str]:
        """The links of the site that lead nowhere."""
        if self.s3 is None:
            return broken(self.folder / "site")
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.kept("site").items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            return broken(Path(folder))

    def assert_whole(self) -> None:
        """Every link of the site resolves, and the history is that which is derived anew."""
        assert self.broken() == []
        before = self.kept()
        assert json.loads(before["derived/history.json"].splitlines()[1]) == sorted(
            name.removeprefix("runs/").removesuffix(".json.gz") for name in self.runs()
        )
        code, _, said = inside.run(
            ("history", "rebuild", "--store", self.place, "--quiet"), self.folder, self.environment
        )
        assert (code, said) == (0, "")
        assert self.kept() == before

    def events(self) -> list[Any]:
        """The details of all events that the bus was given, whether or not it could say that it took them."""
        return [
            json.loads(entry["Detail"])
            for asked in self.bus.taken
            for entry in json.loads(asked.body)["Entries"]
        ]

    def marks(self) -> dict[str, list[bool]]:
        """Of each event by what it tells, whether it said that it may be a repetition, time after time."""
        found: dict[str, list[bool]] = {}
        for event in self.events():
            # a reminder says by itself that it is nothing new
            is_said = event["event"] == "reminder" or event.get("repeated", False)
            found.setdefault(told(event), []).append(is_said)
        return found

    def texts(self, where: str = "chat") -> list[tuple[str, bool]]:
        """The first line of each text that the chat or the topic got, and whether it says the same."""
        if where == "chat":
            texts = [json.loads(asked.body)["message"] for asked in self.chat.taken]
        else:
            texts = [parse_qs(asked.body.decode())["Message"][0] for asked in self.topic.taken]
        return [(text.splitlines()[0], REPEATED in text) for text in texts]

    def documents(self) -> list[Path]:
        return sorted((self.folder / "kept" / "runs").glob("*"))


def told(event: Any) -> str:
    """What an event tells: which drift of which definition, and whether that began or ended."""
    what = "ended" if event["before"] else "began"
    live = event["differences"][0]["live"] if event["differences"] else event["status"]
    return f"{event['definition']['name']} {what} {str(live).rsplit('/')[-1]}"


def taking(asked: Asked) -> Reply:
    """The answer of EventBridge that it took all entries."""
    entries = [{"EventId": uuid4().hex} for _ in json.loads(asked.body)["Entries"]]
    return Reply(body=json.dumps({"FailedEntryCount": 0, "Entries": entries}).encode())


PUBLISHED = Reply(
    body=b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>",
    content_type="text/xml",
)


def damage(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    """Make what a folder does fail as ``faults`` say, and a process die before it writes to either store."""
    from driftcheck.aws.bucket import BucketObjects

    def failing(of: type, operation: str, *, refuses: bool) -> None:
        true: Callable[..., Any] = getattr(of, operation)

        def does(self: Any, name: str = "", *args: Any, **how: Any) -> Any:
            if operation in {"put", "delete"}:
                faults.write()
            if refuses and faults.refuses(operation, name):
                raise PlaceError(f"error: {name} cannot be {operation}: refused")
            return true(self, name, *args, **how)

        monkeypatch.setattr(of, operation, does)

    for operation in ("get", "put", "delete", "names"):
        failing(FolderObjects, operation, refuses=True)
    for operation in ("put", "delete"):
        failing(BucketObjects, operation, refuses=False)


def drift(service: Service, name: str = "churn", role: str = "one") -> None:
    service.mutate(MODEL_QUALITY, name, ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/{role}")


def repair(service: Service, name: str = "churn") -> None:
    service.mutate(MODEL_QUALITY, name, ("RoleArn",), minimal(MODEL_QUALITY, name)["RoleArn"])


def assert_told_truly(marks: Mapping[str, list[bool]]) -> None:
    """What is told a second time says that it may be a repetition."""
    assert {what: times for what, times in marks.items() if not all(times[1:])} == {}

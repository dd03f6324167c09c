"""Many nights on the emulator: each a real check at the time of that night, all of them kept and shown.

The clock is moved for the emulator, in this process, and for ``check``, which is given it; nobody else's is.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from driftcheck import desired
from driftcheck.aws import Aws
from driftcheck.check import check
from driftcheck.dashboard.build import build
from driftcheck.demo import claim, examples, hold_to
from driftcheck.demo.emulator import HOST, REGION, SECONDS, call, edited, emulator, is_held, recreate
from driftcheck.demo.incidents import CUT_SHORT, NOT_RUN, READ_OF_IT, Incident, lasting, scaled
from driftcheck.document import document
from driftcheck.errors import DriftcheckError
from driftcheck.fetch import Limits
from driftcheck.model import Address, Target
from driftcheck.objects import open_objects
from driftcheck.pool import Stop
from driftcheck.store import open_store
from driftcheck.store.derived import derive, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from driftcheck.desired import DesiredState
    from driftcheck.history import Course, Key
    from driftcheck.model import Desired
    from driftcheck.store import Store

_TARGETS = {"prod-eu": REGION, "prod-us": "us-east-1"}
_MODELS = {
    "churn": ("churn", "upsell", "renewal"),
    "credit": ("credit", "limit"),
    "delivery-time": ("delivery-time", "returns"),
    "invoice": ("invoice", "receipt"),
}
"""The models that the definitions of each example's model are written for."""


@dataclass(slots=True)
class _Clock:
    """The time that it is said to be; during a run it goes on as time does."""

    at: datetime
    begun: float | None = None

    def __call__(self) -> datetime:
        passed = 0.0 if self.begun is None else monotonic() - self.begun
        return self.at + timedelta(seconds=passed)


@dataclass(slots=True)
class _Month:
    """What stands where: the definitions as they are declared, and the emulator's clients by target."""

    clock: _Clock
    clients: Mapping[str, Any]
    declared: Mapping[Address, Desired]
    store: Store

    def begin(self, incident: Incident) -> None:
        """Let an incident happen."""
        client, each = self._of(incident)
        if incident.damaged:
            self._spoil(incident, "no time")
        elif incident.copy:
            copy = Address(each.address.kind, each.address.target, incident.copy)
            call(client, "Create", copy, **each.properties)
        elif incident.path:
            recreate(client, each.address, edited(each, incident.path, incident.live)[0])
        else:
            call(client, "Delete", each.address)

    def undo(self, incident: Incident) -> None:
        """Have it repaired: what was changed or deleted is created anew as it is declared."""
        client, each = self._of(incident)
        if incident.damaged:
            self._spoil(incident, self.clock().replace(tzinfo=None))
        elif incident.copy:
            call(client, "Delete", Address(each.address.kind, each.address.target, incident.copy))
        elif incident.path:
            recreate(client, each.address, dict(each.properties))
        else:
            call(client, "Create", each.address, **each.properties)

    def run(self, state: DesiredState, start: datetime, *, cut_short: bool) -> str:
        """Check at a time, keep the result, and say what it is."""
        self.clock.at, self.clock.begun = start, monotonic()
        stop, read = Stop(), 0

        def progress(_: object) -> None:
            nonlocal read
            read += 1
            if cut_short and read == READ_OF_IT:
                stop.request()

        limits = Limits(concurrency=4, timeout=SECONDS, deadline=SECONDS)
        cloud = Aws(timeout=SECONDS, concurrency=4)
        result = document(check(state, cloud, limits, stop=stop, progress=progress, now=self.clock))
        self.store.add(result)
        self.clock.begun = None
        if result["interrupted"]:
            return "cut short"
        counts = result["summary"]
        return (
            f"{counts['in_sync']} in sync, {counts['drifted']} drifted, {counts['missing']} missing, "
            f"{counts['unmanaged']} unmanaged, {counts['error']} error"
        )

    def _of(self, incident: Incident) -> tuple[Any, Desired]:
        address = Address(f"{incident.kind}JobDefinition", incident.target, incident.name)
        return self.clients[incident.target], self.declared[address]

    def _spoil(self, incident: Incident, created_at: Any) -> None:
        """Set what the emulator answers as ``CreationTime``."""
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.sagemaker.models import sagemaker_backends

        backend = sagemaker_backends[DEFAULT_ACCOUNT_ID][_TARGETS[incident.target]]
        backend.model_quality_job_definitions[incident.name].creation_time = created_at


def run(folder: Path, nights: int, now: datetime) -> Iterator[str]:
    """Give the demo's lines as it goes; the last night is the latest that has been before ``now``.

    Args:
        folder: where the desired files, the store and the dashboard go; new, empty, or an earlier demo's.
        nights: how many.
        now: the time, in UTC.

    Raises:
        DriftcheckError: moto is not there, ``folder`` is somebody else's, or the last night did not find
            exactly what had happened.
    """
    yield f"Starting an AWS emulator (moto) on {HOST} ..."
    last = now.replace(hour=2, minute=17, second=0, microsecond=0)
    last -= timedelta(days=1) if last > now else timedelta(0)
    first = last - timedelta(days=nights - 1)
    clock = _Clock(first - timedelta(days=12))
    with emulator() as clients, _emulated(clock):
        try:
            claim(folder)
            shutil.rmtree(folder / "nights", ignore_errors=True)
            _write_desired(folder / "nights" / "desired")
        except OSError as error:
            raise DriftcheckError(f"error: {error.filename} cannot be written: {error.strerror}") from None
        targets = {name: Target(name, region=region) for name, region in _TARGETS.items()}
        of_target = {name: clients(region) for name, region in _TARGETS.items()}
        for each in desired.load([folder / "nights" / "desired"], targets).definitions:
            if not is_held(of_target[each.address.target], each):
                (folder / "nights" / "desired" / each.location.file.rpartition("/")[2]).unlink(
                    missing_ok=True
                )
        state = desired.load([folder / "nights" / "desired"], targets)
        yield f"  created: the {len(state.definitions)} definitions of {folder / 'nights' / 'desired'}"
        told: list[str] = []
        store = open_store(folder / "nights" / "store", told.append)
        month = _Month(clock, of_target, {each.address: each for each in state.definitions}, store)
        for night in range(1, nights + 1):
            start = last - timedelta(days=nights - night)
            _happen(month, night, nights, start)
            if night == scaled(NOT_RUN, nights) < nights:
                yield f"  {start:%Y-%m-%d %H:%M}  no run"
                continue
            cut_short = night == scaled(CUT_SHORT, nights) < nights
            yield f"  {start:%Y-%m-%d %H:%M}  {month.run(state, start, cut_short=cut_short)}"
    derived = derive(store, now)
    keep(store, derived)
    _verify(derived.history.courses, state, nights)
    built = build(
        store,
        lambda: derived,
        open_objects(folder / "dashboard"),
        anew=True,
        owner="driftcheck demo",
        replace=True,
    )
    yield from told
    yield f"The dashboard, {built.pages} pages:"
    yield f"  {folder / 'dashboard' / 'index.html'}"


def _happen(month: _Month, night: int, nights: int, start: datetime) -> None:
    """What is undone, and what happens, in the day before a night."""
    month.clock.at = start - timedelta(hours=13)
    for undone in (True, False):
        for incident in lasting(nights):
            at = incident.until if undone else incident.night
            if at is not None and scaled(at, nights) == night:
                month.clock.at += timedelta(minutes=47)
                (month.undo if undone else month.begin)(incident)


def _write_desired(folder: Path) -> None:
    """Write the examples for both targets, each for several models."""
    folder.mkdir(parents=True)
    for example in examples():
        text = example.read_text("utf-8").replace("eu-west-1", "${target.region}")
        text = text.replace("version: 1\n", f"version: 1\ntargets: [{', '.join(_TARGETS)}]\n", 1)
        model = next((each for each in _MODELS if example.name.startswith(each)), None)
        for name in _MODELS[model] if model else ():
            file = folder / example.name.replace(str(model), name)
            file.write_text(text.replace(str(model), name), "utf-8")


@contextmanager
def _emulated(clock: Callable[[], datetime]) -> Iterator[None]:
    """Give the emulator a clock, which says when a definition was created."""
    from moto.sagemaker import models

    with patch.object(models, "utcnow", lambda: clock().replace(tzinfo=None)):
        yield


def _verify(courses: Mapping[Key, Course], state: DesiredState, nights: int) -> None:
    expected: dict[Key, str] = {
        (each.address.kind, each.address.target, each.address.name): "in_sync" for each in state.definitions
    }
    for each in lasting(nights):
        if each.until is None:
            status = "unmanaged" if each.copy else "drifted" if each.path else "missing"
            expected[f"{each.kind}JobDefinition", each.target, each.copy or each.name] = status
    found = {key: course.status for key, course in courses.items() if course.is_there}
    hold_to(expected, found, lambda key: f"{key[2]} in {key[1]}")

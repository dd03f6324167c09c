"""The parts of ``make bench``: what competes in each, and the ratios that come of it."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import ceiling, fleet
from benchmarks.results import Bars, Goal, Section, figure
from benchmarks.running import FailedError, Ran, aws, driftcheck, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.running import Served

_TARGETS = 10
_THREADS = (32, 64, 128)
"""Tried to find how many threads suit boto3 and driftcheck best, beside the 16 of driftcheck's default."""
_CONNECTIONS = 256
"""Of the limit, where the connections shall not be what limits."""
_PARSE = """
import sys, yaml
from pathlib import Path
for path in Path(sys.argv[1]).iterdir():
    for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        pass
"""
_AIOBOTOCORE = Path(".venvs", "aiobotocore", "bin", "python")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    rounds: int = 3
    ceiling: int = 3
    many: int = 1000
    latency: float = 0.05
    loop: int = 100
    cli: int = 5
    unhindered: int = 2000
    throttled: int = 400
    rate: int = 20
    fleet: int = 10_000
    large: int = 100_000


QUICK = Sizes(
    rounds=1,
    ceiling=1,
    many=40,
    latency=0.01,
    loop=4,
    cli=1,
    unhindered=40,
    throttled=80,
    rate=40,
    fleet=200,
    large=400,
)


@dataclass(slots=True)
class Bench:
    """What the sections share. ``until`` is when they should be over, in ``monotonic`` seconds."""

    served: Served
    folder: Path
    sizes: Sizes
    until: float
    _numbers: Iterator[int] = field(default_factory=count)

    def say(self, text: str) -> None:
        """Tell how far it is."""
        print(text, file=sys.stderr, flush=True)

    def fresh(self) -> Path:
        """A folder that nobody has used."""
        path = self.folder / f"{next(self._numbers)}"
        path.mkdir()
        return path

    def rival(self, name: str, definitions: int, workers: int = 16, *more: str, limit: float = 120) -> Ran:
        """Run one of ``benchmarks.rivals``."""
        python = str(_AIOBOTOCORE) if name == "aiobotocore" else sys.executable
        command = [python, "-m", "benchmarks.rivals", name, f"--definitions={definitions}"]
        ran = run([*command, f"--workers={workers}", *more], self.served.environment(), limit)
        if ran.stdout.strip() != "0":
            raise FailedError(f"{name}: {ran.stdout.strip()} calls ended in an error")
        return ran

    def check(self, desired: Path, *options: str, limit: float = 120) -> Ran:
        """Run ``driftcheck check``, with the targets beside the desired files if there are any."""
        targets = desired.with_name("driftcheck.toml")
        config = ["--config", str(targets)] if targets.exists() else []
        command = [*driftcheck(), "check", str(desired), *config, *options]
        return run(command, self.served.environment(), limit)

    def turns(self, rivals: Mapping[str, Callable[[], Ran]], section: Section) -> dict[str, list[Ran]]:
        """Let them take turns; one that fails drops out, and a line of the section says so."""
        rans: dict[str, list[Ran]] = {name: [] for name in rivals}
        for number in range(self.sizes.rounds):
            for name in [*rans] if number % 2 else [*reversed(rans)]:
                try:
                    rans[name].append(rivals[name]())
                except FailedError as error:
                    section.lines.append(f"Left out: {name}: {error}.")
                    del rans[name]
                    continue
                self.say(f"  {name}: {rans[name][-1].seconds:.2f} s, {rans[name][-1].cpu:.2f} s of CPU")
        return {name: rans[name] for name in rivals if name in rans}


def endpoint(bench: Bench) -> Section:
    """What the endpoint can do, so that it is known not to be the bottleneck."""
    section = Section(
        "The endpoint's own ceiling", ("client", "calls a second", "CPU µs a call", "calls a second of CPU")
    )
    bench.served.play(definitions=bench.sizes.many)
    client, calls = ceiling.measure(bench.served, bench.sizes.ceiling)
    said = bench.served.counters()
    each = said["cpu"] / max(said["calls"], 1)
    row = (f"{calls:,.0f}", figure(1e6 * each), f"{1 / each:,.0f}" if each else "")
    section.rows.append((f"{client}, 16 connections, one process", *row))
    section.lines.append(
        "Calls a second fall with whatever else runs on the cores; the last column is what a core of its own "
        "would give. A client that comes near the first is held up by the endpoint: of it, the CPU counts."
    )
    return section


def latency(bench: Bench) -> Section:
    """A run over definitions whose answers take their time."""
    sizes, many = bench.sizes, bench.sizes.many
    section = Section(
        f"{many:,} definitions, each answer {sizes.latency * 1000:g} ms away",
        ("what", "seconds", "times driftcheck's", "measured", "spread"),
    )
    bench.served.play(definitions=many, latency=sizes.latency)
    desired = fleet.write_desired(bench.fresh(), many)
    best = min(_THREADS, key=lambda threads: bench.rival("boto3-pool", many, threads).seconds)
    ours, floor = "driftcheck check", "boto3, 16 threads, fetching only"
    ours_best, floor_best = f"{ours} --concurrency {best}", f"boto3, {best} threads, fetching only"
    loop, cli = "boto3, one by one", "aws sagemaker describe-… in a loop"
    rivals: dict[str, Callable[[], Ran]] = {
        ours: lambda: bench.check(desired),
        ours_best: lambda: bench.check(desired, f"--concurrency={best}"),
        floor: lambda: bench.rival("boto3-pool", many),
        floor_best: lambda: bench.rival("boto3-pool", many, best),
        "limit, 16 connections": lambda: bench.rival("limit", many),
        f"limit, {_CONNECTIONS} connections": lambda: bench.rival("limit", many, _CONNECTIONS),
        loop: lambda: _scaled_loop(bench),
    }
    command = aws()
    if command:
        rivals[cli] = lambda: _scaled_cli(bench, command)
    else:
        section.lines.append("The AWS CLI is skipped: there is no `aws` on PATH.")
    rans = bench.turns(rivals, section)
    seconds = {name: median(ran.seconds for ran in some) for name, some in rans.items()}
    measured = {loop: f"{sizes.loop}, and scaled", cli: f"{sizes.cli}, and scaled"}
    for name, value in seconds.items():
        times = figure(value / seconds[ours]) if ours in seconds else ""
        section.rows.append((name, figure(value), times, measured.get(name, "all"), _spread(rans[name])))
    section.bars.append(Bars(f"{section.title}: seconds, logarithmic", seconds, logarithmic=True))
    section.goals += _goals(
        seconds,
        (f"the CLI loop to driftcheck, {many:,} definitions", cli, ours, 100, True),
        (f"driftcheck to boto3's floor, 16 threads each, {many:,} definitions", ours, floor, 1.2, False),
        (
            f"driftcheck to boto3's floor, {best} threads each, {many:,} definitions",
            ours_best,
            floor_best,
            1.2,
            False,
        ),
    )
    return section


def _scaled_loop(bench: Bench) -> Ran:
    """Start-up is there once, each call once for every definition."""
    sizes = bench.sizes
    bench.served.reset()
    ran = bench.rival("boto3-loop", sizes.loop)
    said = bench.served.counters()
    each = (said["last"] - said["first"]) / (sizes.loop - 1)
    return Ran(ran.seconds + each * (sizes.many - sizes.loop), ran.cpu, ran.memory, ran.stdout)


def _scaled_cli(bench: Bench, command: str) -> Ran:
    describe = [command, "sagemaker", "describe-model-quality-job-definition"]
    describe += ["--job-definition-name", fleet.name_of(0)]
    rans = [run(describe, bench.served.environment()) for _ in range(bench.sizes.cli)]
    times = bench.sizes.many / bench.sizes.cli
    return Ran(times * sum(ran.seconds for ran in rans), times * sum(ran.cpu for ran in rans), 0, "")


def cpu(bench: Bench) -> Section:
    """What a call costs where the service answers at once; start-up is taken off with a run over one."""
    many = bench.sizes.unhindered
    section = Section(
        f"The cost of a call: {many:,} definitions, answers without delay",
        ("what", "CPU ms a call", "times the limit's", "calls a second", "start-up, CPU s", "spread"),
    )
    bench.served.play(definitions=many)
    desired, one = fleet.write_desired(bench.fresh(), many), fleet.write_desired(bench.fresh(), 1)
    fast = "limit: asyncio's sockets, 16 connections"

    def rivals(definitions: int, folder: Path) -> dict[str, Callable[[], Ran]]:
        found: dict[str, Callable[[], Ran]] = {
            "driftcheck check, reading and all": lambda: bench.check(folder, "--no-unmanaged"),
            "boto3, one by one": lambda: bench.rival("boto3-loop", definitions),
            "boto3, 16 threads": lambda: bench.rival("boto3-pool", definitions),
            "boto3, 2 processes of 8 threads": lambda: bench.rival("boto3-processes", definitions),
            "urllib3, botocore's signer, 16 threads": lambda: bench.rival("urllib3-pool", definitions),
            fast: lambda: bench.rival("limit", definitions),
        }
        if _AIOBOTOCORE.exists():
            found["aiobotocore, 16 connections"] = lambda: bench.rival("aiobotocore", definitions)
        return found

    if not _AIOBOTOCORE.exists():
        section.lines.append(
            "aiobotocore is skipped: `make .venvs/aiobotocore` installs it beside the others."
        )
    rans, starts = bench.turns(rivals(many, desired), section), bench.turns(rivals(1, one), section)
    each, rates = {}, {}
    for name in [name for name in rans if name in starts]:
        start = median(ran.cpu for ran in starts[name])
        each[name] = 1000 * max(median(ran.cpu for ran in rans[name]) - start, 0) / (many - 1)
        wall = median(ran.seconds for ran in rans[name]) - median(ran.seconds for ran in starts[name])
        rates[name] = (many - 1) / max(wall, 1e-3)
    for name, cost in each.items():
        times = figure(cost / each[fast]) if each.get(fast) else ""
        start = median(ran.cpu for ran in starts[name])
        row = (name, figure(cost), times, figure(rates[name]), figure(start), _spread(rans[name]))
        section.rows.append(row)
    section.lines.append("Two processes and the endpoint share the cores.")
    section.bars.append(Bars("CPU milliseconds a call", each))
    section.bars.append(Bars("Calls a second, answers without delay", rates))
    return section


def throttle(bench: Bench) -> Section:
    """A service that refuses what is over its rate. The server's clock rules, so all run at the same time."""
    sizes = bench.sizes
    section = Section(
        f"{sizes.throttled} definitions, {sizes.rate} calls a second allowed, {sizes.rate} at once",
        ("what", "share of the allowed", "admitted a second", "refused", "errors", "calls", "seconds"),
    )
    bench.served.play(definitions=sizes.throttled, rate=sizes.rate, burst=sizes.rate)
    desired, ours = fleet.write_desired(bench.fresh(), sizes.throttled), "driftcheck check"
    report = bench.folder / "throttled.json"
    pool = [sys.executable, "-m", "benchmarks.rivals", "boto3-pool", f"--definitions={sizes.throttled}"]
    commands = {
        ours: [*driftcheck(), "check", str(desired), "--fail-on=none", "-o", f"json={report}"],
        "boto3, standard retries, 16 threads": [*pool, "--retries=standard"],
        "boto3, adaptive retries, 16 threads": [*pool, "--retries=adaptive"],
    }

    def one(account: str, command: Sequence[str]) -> Ran | FailedError:
        try:
            return run(command, bench.served.environment(account), 180)
        except FailedError as error:
            return error

    with ThreadPoolExecutor(len(commands)) as together:
        accounts = [fleet.account_of(number) for number in range(len(commands))]
        outcomes = [*together.map(one, accounts, commands.values())]
    places, shares, refusals = bench.served.counters()["places"], {}, {}
    for name, account, outcome in zip(commands, accounts, outcomes, strict=True):
        place = places.get(f"{account}/{fleet.REGION}")
        if place is None or place["last"] is None:
            section.lines.append(f"Left out: {name}: {outcome}.")
            continue
        span = place["last"] - place["first"]
        admitted = place["calls"] - place["refused"]
        # what it could have had in that time: the full bucket at first, and then the rate
        shares[name] = admitted / (sizes.rate + sizes.rate * span)
        refusals[name] = place["refused"] / place["calls"]
        errors = "?"
        if name == ours and report.exists():
            errors = str(json.loads(report.read_text(encoding="utf-8"))["summary"]["error"])
        elif isinstance(outcome, Ran):
            errors = outcome.stdout.strip()
        row = (
            f"{shares[name]:.1%}",
            figure(admitted / max(span, 1e-3)),
            f"{refusals[name]:.1%}",
            errors,
            str(place["calls"]),
            figure(span),
        )
        section.rows.append((name, *row))
        bench.say(f"  {name}: {', '.join(row)}")
    if ours in shares:
        section.goals.append(
            Goal("driftcheck's admitted calls to the allowed ones", shares[ours], 0.95, least=True)
        )
        section.goals.append(Goal("driftcheck's refused calls to all its calls", refusals[ours], 0.05))
    section.bars.append(Bars("Share of the calls that were allowed", shares))
    section.bars.append(Bars("Share of calls refused", refusals))
    return section


def scale(bench: Bench) -> Section:
    """A fleet in ten accounts through roles, and one ten times as large."""
    sizes = bench.sizes
    section = Section(
        f"Scale: {_TARGETS} targets through roles, answers without delay",
        ("what", "seconds", "CPU s", "CPU ms a definition", "peak MB"),
    )
    fleet_desired = _fleet(bench, sizes.fleet)
    bench.served.play(definitions=sizes.fleet)
    flat = fleet.write_desired(bench.fresh(), sizes.fleet)
    ours, floor, parsing = "driftcheck check", "boto3, 16 threads, fetching only", "libyaml, parsing only"
    read, stages = "driftcheck validate", "comparing and rendering, the text format"
    start = "driftcheck validate, one definition"
    one = fleet.write_desired(bench.fresh(), 1)
    parse = [sys.executable, "-c", _PARSE, str(flat)]
    validate = [*driftcheck(), "validate", "--quiet"]

    def check() -> Ran:
        bench.served.play(definitions=sizes.fleet // _TARGETS)
        return bench.check(fleet_desired)

    def fetch() -> Ran:
        bench.served.play(definitions=sizes.fleet)
        return bench.rival("boto3-pool", sizes.fleet)

    rans = bench.turns(
        {
            ours: check,
            floor: fetch,
            read: lambda: run([*validate, str(flat)], bench.served.environment()),
            start: lambda: run([*validate, str(one)], bench.served.environment()),
            stages: lambda: _stages(flat),
            parsing: lambda: run(parse, bench.served.environment()),
        },
        section,
    )
    middle = {name: _middle(some) for name, some in rans.items()}
    section.rows += [
        _scale_row(f"{name}, {sizes.fleet:,}", ran, sizes.fleet)
        for name, ran in middle.items()
        if name != start
    ]
    if {floor, parsing, read, start, stages} <= middle.keys():
        validating = middle[read].cpu - middle[start].cpu - middle[parsing].cpu
        what = "CPU of validation, comparison and rendering to that of boto3's fetching"
        ratio = (validating + middle[stages].cpu) / middle[floor].cpu
        section.goals.append(Goal(f"{what}, {sizes.fleet:,} definitions", ratio, 0.25))
    if {ours, floor, parsing} <= middle.keys():
        more = (middle[ours].cpu - middle[parsing].cpu) / middle[floor].cpu
        section.lines.append(
            f"driftcheck takes {figure(more)} of the CPU of boto3's fetching, without the parsing of YAML. "
            "It has start, validation, pacing, lists of what is unmanaged, ten roles, comparison and report."
        )
    if ours in middle:
        _large(bench, middle[ours], section)
    return section


def _stages(desired: Path) -> Ran:
    ran = run([sys.executable, "-m", "benchmarks.stages", str(desired)], os.environ)
    return replace(ran, cpu=float(ran.stdout))


def _large(bench: Bench, small: Ran, section: Section) -> None:
    sizes, times = bench.sizes, bench.sizes.large / bench.sizes.fleet
    left = bench.until - time.monotonic()
    if times * small.seconds > left:
        section.lines.append(
            f"{sizes.large:,} definitions are skipped: they would take some {times * small.seconds:.0f} s, "
            f"and {max(left, 0):.0f} s are left; `--only scale` has the time."
        )
        return
    desired = _fleet(bench, sizes.large)
    bench.served.play(definitions=sizes.large // _TARGETS)
    try:
        ran = bench.check(desired, limit=max(3 * times * small.seconds, 60))
    except FailedError as error:
        section.lines.append(f"Left out: {sizes.large:,} definitions: {error}.")
        return
    section.rows.append(_scale_row(f"driftcheck check, {sizes.large:,}", ran, sizes.large))
    what = f"{sizes.large:,} definitions to {times:g} times {sizes.fleet:,}"
    section.goals.append(Goal(f"wall time, {what}", ran.seconds / (times * small.seconds), 1.2))
    section.goals.append(Goal(f"peak memory at {sizes.large:,} definitions to 1 GB", ran.memory / 1e9, 1.0))
    section.bars.append(
        Bars(
            "Wall milliseconds a definition",
            {
                f"driftcheck check, {number:,}": 1000 * each.seconds / number
                for number, each in ((sizes.fleet, small), (sizes.large, ran))
            },
        )
    )


def incremental(bench: Bench) -> Section:
    """A second run over what has not changed: a fleet that nothing throttles, and one target that is."""
    sizes = bench.sizes
    section = Section("Incremental: nothing has changed", ("what", "SageMaker calls", "seconds", "CPU s"))
    free = f"{sizes.fleet:,} in {_TARGETS} targets, each answer {sizes.latency * 1000:g} ms away"
    bench.served.play(definitions=sizes.fleet // _TARGETS, latency=sizes.latency)
    _unchanged(bench, section, free, _fleet(bench, sizes.fleet), ("first", "second", "third"))
    throttled = f"{sizes.many:,} in one target, {sizes.rate} calls a second allowed"
    bench.served.play(definitions=sizes.many, latency=sizes.latency, rate=sizes.rate, burst=sizes.rate)
    flat = fleet.write_desired(bench.fresh(), sizes.many)
    _unchanged(bench, section, throttled, flat, ("first", "second"))
    return section


def _unchanged(bench: Bench, section: Section, what: str, desired: Path, runs: Sequence[str]) -> None:
    options = ("--incremental", "--state", str(bench.fresh()))
    calls, seconds = {}, {}
    for name in runs:
        bench.served.reset()
        try:
            ran = bench.check(desired, *options, limit=180)
        except FailedError as error:
            section.lines.append(f"Left out: {what}, {name} run: {error}.")
            return
        calls[name], seconds[name] = bench.served.counters()["calls"], ran.seconds
        row = (f"{what}: {name} run", f"{calls[name]:,}", figure(ran.seconds), figure(ran.cpu))
        section.rows.append(row)
        bench.say(f"  {row[0]}: {calls[name]} calls, {ran.seconds:.2f} s")
    first, second = runs[:2]
    for unit, values in (("calls", calls), ("wall time", seconds)):
        section.goals += _goals(
            values, (f"{unit} in full to incrementally, unchanged, {what}", first, second, 30, True)
        )
    section.bars.append(
        Bars(f"Incremental, {what}: seconds", {f"{name} run": seconds[name] for name in runs})
    )


SECTIONS: dict[str, Callable[[Bench], Section]] = {
    each.__name__: each for each in (endpoint, latency, cpu, throttle, incremental, scale)
}


def _fleet(bench: Bench, definitions: int) -> Path:
    folder = bench.fresh()
    fleet.write_targets(folder, _TARGETS)
    return fleet.write_desired(folder, definitions, targets=_TARGETS)


def _scale_row(name: str, ran: Ran, definitions: int) -> tuple[str, ...]:
    each = figure(1000 * ran.cpu / definitions)
    return name, figure(ran.seconds), figure(ran.cpu), each, f"{ran.memory / 1e6:,.0f}"


def _goals(values: Mapping[str, float], *wanted: tuple[str, str, str, float, bool]) -> Iterator[Goal]:
    """Ratios of one value to another, of those that were measured."""
    for what, over, under, goal, least in wanted:
        if over in values and values.get(under):
            yield Goal(what, values[over] / values[under], goal, least)


def _middle(rans: Sequence[Ran]) -> Ran:
    return Ran(
        median(ran.seconds for ran in rans),
        median(ran.cpu for ran in rans),
        max(ran.memory for ran in rans),
        "",
    )


def _spread(rans: Sequence[Ran]) -> str:
    seconds = [ran.seconds for ran in rans]
    return f"{(max(seconds) - min(seconds)) / median(seconds):.0%}"

"""What comparing and rendering cost where nothing is fetched and all is in sync.

Run: ``python -m benchmarks.stages DESIRED``. It prints the seconds of CPU that they take together.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from benchmarks.fleet import named, template
from driftcheck.compare import compare
from driftcheck.desired import load
from driftcheck.document import document
from driftcheck.kinds import IDENTIFIER, KINDS
from driftcheck.model import Live, Report, Status, TargetReading
from driftcheck.render import render


def main(folder: Path) -> None:
    state, now = load([folder], {}), datetime.now(UTC)
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn"
    answers = {kind: json.dumps(template(kind)) for kind in KINDS}
    readings = []
    for each in state.definitions:
        answer = json.loads(named(answers[each.address.kind], each.address.name))
        del answer[IDENTIFIER]
        readings.append(Live(answer, arn, now))
    start = process_time()
    findings = [
        compare(desired, live, now.date()) for desired, live in zip(state.definitions, readings, strict=True)
    ]
    report = Report(now, now, True, (TargetReading("default", None, "eu-west-1"),), tuple(findings))
    render(document(report), "text")
    took = process_time() - start
    if any(finding.status is not Status.IN_SYNC for finding in findings):
        sys.exit("not all is in sync")
    print(took)


main(Path(sys.argv[1]))

"""A fleet of definitions of every status in three targets, and how documents about it are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.functional.definitions import ACCOUNT, KINDS, Definition, minimal, write_desired
from tests.functional.faults import DENIED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.service import Service

REGIONS = {"eu": "eu-west-1", "us": "us-east-1", "ap": "ap-south-1"}
SIZE = 14 * len(REGIONS)
TAGS = [{"Key": "team", "Value": "risk"}]


def name_of(number: int) -> str:
    return "${var.prefix}-churn" if number == 0 else f"d{number:02}"


def declared(number: int) -> Definition:
    definition = minimal(KINDS[number % 3], name_of(number))
    if number % 4 == 1:
        definition["Tags"] = TAGS
    if number % 5 == 0:
        rules = ["RoleArn", "JobResources", {"path": "StoppingCondition", "until": "2020-01-31"}]
        definition["lifecycle"] = {"ignore_changes": rules}
    return definition


def build(service: Service, folder: Path, *, more: str = "", account: str = ACCOUNT) -> None:
    """Declare 14 definitions in each target, and create, change and deny what makes every status of them.

    ``more`` are lines for each target in driftcheck.toml, ``account`` is where they lead.
    """
    settings = (
        f'[targets.{name}]\nregion = "{region}"\n{more}[targets.{name}.vars]\nprefix = "{name}"\n'
        for name, region in REGIONS.items()
    )
    (folder / "driftcheck.toml").write_text("".join(settings), "utf-8")
    for file, numbers in (("b.yaml", range(7)), ("a.yaml", range(7, 14))):
        by_kind = {
            kind: [declared(number) for number in numbers if KINDS[number % 3] == kind] for kind in KINDS
        }
        write_desired(
            folder, {kind: some for kind, some in by_kind.items() if some}, file, targets=[*REGIONS]
        )
    for target, region in REGIONS.items():
        for number in range(14):
            if number % 7 == 3:
                continue
            kind, name = KINDS[number % 3], name_of(number).replace("${var.prefix}", target)
            live = {**minimal(kind, name), "Tags": TAGS}
            service.create(kind, live, region=region, account=account)
        for kind in KINDS:
            service.create(kind, minimal(kind, f"stray-{target}"), region=region, account=account)
    # ignored in one target, where the rule is idle in the others; drift; a member that nobody knows
    role = "arn:aws:iam::123456789012:role/other"
    service.mutate(KINDS[0], "eu-churn", ("RoleArn",), role, account=account)
    for target in ("eu", "us"):
        region = REGIONS[target]
        for number in (1, 4, 11):
            instances = ("JobResources", "ClusterConfig", "InstanceCount")
            kind, name = KINDS[number % 3], name_of(number)
            service.mutate(kind, name, instances, 3, region=region, account=account)
        service.mutate(KINDS[2], "d05", ("FromTheFuture",), 1, region=region, account=account)
    service.fail(DENIED, action="Describe*", name="d08", region=REGIONS["us"])
    # one kind that is declared, and one that is not: an error of the target, and a warning
    service.fail(DENIED, action=f"List{KINDS[1]}s", region=REGIONS["ap"])
    service.fail(DENIED, action=f"List{KINDS[2]}s", region=REGIONS["ap"])
    service.fail(DENIED, action="ListModelExplainability*", region=REGIONS["us"])


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    """A document but for when its run began and ended, and what it cost.

    ``created_at`` is that of a definition, further in; each task of a cluster asks whose credentials it has.
    """
    return {key: value for key, value in document.items() if not key.endswith("ed_at") and key != "calls"}

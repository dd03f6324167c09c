"""Job definitions of every kind: all members of the Create call, and the fewest that it takes.

Plus the desired files that declare them. Names of kinds are those of AWS's operations.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Definition: TypeAlias = dict[str, Any]
Source: TypeAlias = Literal["endpoint", "batch", "batch-json", "batch-parquet"]
"""Where the captured data comes from; ``batch`` is a batch transform's CSV."""

MODEL_QUALITY = "ModelQualityJobDefinition"
DATA_QUALITY = "DataQualityJobDefinition"
MODEL_BIAS = "ModelBiasJobDefinition"
MODEL_EXPLAINABILITY = "ModelExplainabilityJobDefinition"
KINDS = (MODEL_QUALITY, DATA_QUALITY, MODEL_BIAS, MODEL_EXPLAINABILITY)
SOURCES: tuple[Source, ...] = ("endpoint", "batch", "batch-json", "batch-parquet")

ACCOUNT = "123456789012"
REGION = "eu-west-1"

_BUCKET = "s3://ml-monitoring-eu"
_KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_ANALYZER = f"468650794304.dkr.ecr.{REGION}.amazonaws.com/sagemaker-model-monitor-analyzer"
_CLARIFY = f"131013547314.dkr.ecr.{REGION}.amazonaws.com/sagemaker-clarify-processing:1.0"
_OWN_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn-monitor:2.4.1"


def full(kind: str, name: str = "churn", source: Source = "endpoint") -> Definition:
    """A definition with every member that the kind's Create call takes, but for the other sources of data."""
    prefix = kind.removesuffix("JobDefinition")
    return {
        "JobDefinitionName": name,
        f"{prefix}BaselineConfig": _full_baseline(kind),
        f"{prefix}AppSpecification": _full_app(kind),
        f"{prefix}JobInput": {**_full_source(source), **_ground_truth(kind)},
        f"{prefix}JobOutputConfig": {
            "MonitoringOutputs": [
                {
                    "S3Output": {
                        "S3Uri": f"{_BUCKET}/reports/churn",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "Continuous" if source == "endpoint" else "EndOfJob",
                    }
                }
            ],
            "KmsKeyId": _KEY_ARN,
        },
        "JobResources": {
            "ClusterConfig": {
                "InstanceCount": 2,
                "InstanceType": "ml.m5.xlarge",
                "VolumeSizeInGB": 50,
                "VolumeKmsKeyId": _KEY_ARN,
            }
        },
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": False,
            "VpcConfig": {
                "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718", "sg-0f1e2d3c4b5a69788"],
                "Subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0f1e2d3c4b5a69788"],
            },
        },
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/service-role/SageMakerModelMonitor",
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        "Tags": [{"Key": "team", "Value": "risk"}, {"Key": "cost-centre", "Value": "4711"}],
    }


def minimal(kind: str, name: str = "churn", source: Source = "endpoint") -> Definition:
    """A definition with the required members and one source of data alone."""
    prefix = kind.removesuffix("JobDefinition")
    return {
        "JobDefinitionName": name,
        f"{prefix}AppSpecification": _minimal_app(kind),
        f"{prefix}JobInput": {**_minimal_source(source), **_ground_truth(kind)},
        f"{prefix}JobOutputConfig": {
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": f"{_BUCKET}/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        "JobResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
        },
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/SageMakerModelMonitor",
    }


def write_desired(
    folder: Path,
    definitions: Mapping[str, Sequence[Definition]],
    name: str = "desired.yaml",
    **extra: object,
) -> Path:
    """Write ``folder/desired/NAME``, made of lists of definitions by kind, and give its path.

    ``extra`` are other members at its top, such as ``target``; a name ending in ``.json`` makes JSON.
    """
    content = {"version": 1, **extra, **{section(kind): list(some) for kind, some in definitions.items()}}
    path = folder / "desired" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    as_json = path.suffix == ".json"
    text = json.dumps(content, indent=2) if as_json else yaml.safe_dump(content, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def section(kind: str) -> str:
    """The member of a desired file that lists the definitions of a kind."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower() + "s"


def _full_baseline(kind: str) -> Definition:
    baseline: Definition = {
        "BaseliningJobName": "churn-baseline-2026-11-01",
        "ConstraintsResource": {"S3Uri": f"{_BUCKET}/baseline/constraints.json"},
    }
    if kind == DATA_QUALITY:
        baseline["StatisticsResource"] = {"S3Uri": f"{_BUCKET}/baseline/statistics.json"}
    return baseline


def _full_app(kind: str) -> Definition:
    environment = {"publish_cloudwatch_metrics": "Enabled", "BUILD_ID": "0123", "EMPTY": ""}
    if kind in (MODEL_BIAS, MODEL_EXPLAINABILITY):
        return {**_minimal_app(kind), "Environment": environment}
    app: Definition = {
        "ImageUri": _OWN_IMAGE,
        "ContainerEntrypoint": ["python3", "-m", "monitor"],
        "ContainerArguments": ["--threshold", "0.80", "--fail-on", "drift"],
        "RecordPreprocessorSourceUri": f"{_BUCKET}/code/preprocess.py",
        "PostAnalyticsProcessorSourceUri": f"{_BUCKET}/code/postprocess.sh",
        "Environment": environment,
    }
    if kind == MODEL_QUALITY:
        app["ProblemType"] = "BinaryClassification"
    return app


def _minimal_app(kind: str) -> Definition:
    if kind in (MODEL_BIAS, MODEL_EXPLAINABILITY):
        return {"ImageUri": _CLARIFY, "ConfigUri": f"{_BUCKET}/config/analysis_config.json"}
    return {"ImageUri": _ANALYZER}


def _full_source(source: Source) -> Definition:
    attributes = {
        "FeaturesAttribute": "features",
        "InferenceAttribute": "prediction",
        "ProbabilityAttribute": "probability",
        "ProbabilityThresholdAttribute": 0.75,
        "StartTimeOffset": "-P8D",
        "EndTimeOffset": "-P1D",
        "ExcludeFeaturesAttribute": "customer_id,signup_date",
    }
    if source == "endpoint":
        modes = {"S3InputMode": "Pipe", "S3DataDistributionType": "ShardedByS3Key"}
    else:
        modes = {"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    ((member, block),) = _minimal_source(source).items()
    return {member: {**block, **modes, **attributes}}


def _minimal_source(source: Source) -> Definition:
    if source == "endpoint":
        block = {"EndpointName": "churn-prod", "LocalPath": "/opt/ml/processing/input/endpoint"}
        return {"EndpointInput": block}
    formats: dict[str, Definition] = {
        "batch": {"Csv": {"Header": True}},
        "batch-json": {"Json": {"Line": True}},
        "batch-parquet": {"Parquet": {}},
    }
    return {
        "BatchTransformInput": {
            "DataCapturedDestinationS3Uri": f"{_BUCKET}/captured/churn",
            "DatasetFormat": formats[source],
            "LocalPath": "/opt/ml/processing/input/batch",
        }
    }


def _ground_truth(kind: str) -> Definition:
    if kind in (MODEL_QUALITY, MODEL_BIAS):
        return {"GroundTruthS3Input": {"S3Uri": f"{_BUCKET}/ground-truth/churn"}}
    return {}

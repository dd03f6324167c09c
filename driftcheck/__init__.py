"""Terraform-style drift detection for Amazon SageMaker Model Monitor job definitions."""

__version__ = "0.1.0"

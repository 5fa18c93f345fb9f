"""The platform's objects as frozen values, read from JSON.

Unknown fields pass and stay in `raw`, absent fields are None, and an unheard-of state is still an active job.
Each file has the values of one noun, and the most used are found here.
"""

from __future__ import annotations

from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models.account import Project, User
from airflow_provider_cgc.client.models.files import File, Volume, VolumeObject
from airflow_provider_cgc.client.models.jobs import ExportJob, ImportJob, JobState
from airflow_provider_cgc.client.models.limits import RateLimit, rate_limit_from_json
from airflow_provider_cgc.client.models.lists import Page

__all__ = [
    "BulkRecord",
    "ExportJob",
    "File",
    "ImportJob",
    "JobState",
    "Page",
    "Project",
    "RateLimit",
    "User",
    "Volume",
    "VolumeObject",
    "rate_limit_from_json",
]

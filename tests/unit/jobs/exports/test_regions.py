"""A project and a volume that are in two regions or clouds are said to be apart; unknown places are not."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.client.errors.problem import REMEDIES
from tests.fakes.export_facts import HOME, OUT, PROJECT, A, B, a_file, a_volume, an_item, facts, only, problems


def apart(location, **service):
    """Tell if a project and a volume are said to be apart."""
    found = problems([an_item()], facts(a_file(), volumes=[a_volume(**service)], location=location))
    assert all(text.startswith(f"project {PROJECT} is in ") and REMEDIES[9027].text in text for text in found)
    return bool(found)


@pytest.mark.parametrize(
    ("location", "service"),
    [
        (HOME, {"endpoint": "s3.eu-central-1.amazonaws.com"}),
        (HOME, {"endpoint": "s3-eu-central-1.amazonaws.com"}),
        (HOME, {"region": "us-west-2"}),
        (HOME, {"region": "aws:us-west-2"}),
        ("us-east-1", {"region": "us-west-2"}),
        ("AWS:US-EAST-1", {"region": "us-west-2"}),
        (HOME, {"region": "us-gov-west-1"}),
        ("google:us-west1", {"type": "gcs", "region": "us-east1"}),
        ("google:us-west1", {"type": "GCS", "region": "europe-west4"}),
    ],
)
def test_two_regions_are_apart(location, service):
    assert apart(location, **service)


@pytest.mark.parametrize(
    ("location", "service"),
    [
        (HOME, {"type": "gcs", "endpoint": None}),
        (HOME, {"type": "GCS", "endpoint": None}),
        (HOME, {"type": "azure", "endpoint": "https://lab.blob.core.windows.net"}),
        (HOME, {"type": "OSS", "endpoint": None}),
        ("us-east-1", {"type": "gcs", "endpoint": None}),
        ("us-west1", {"type": "s3"}),
        ("google:us-west1", {"type": "S3"}),
        ("google:us-west1", {"type": "s3", "endpoint": None}),
        ("gcp:us-west1", {"type": "s3", "endpoint": "https://s3.us-east-1.amazonaws.com"}),
        ("azure:eastus", {"type": "s3"}),
    ],
)
def test_two_clouds_are_apart(location, service):
    assert apart(location, **service)


@pytest.mark.parametrize(
    ("location", "service"),
    [
        (HOME, {"endpoint": "s3.us-east-1.amazonaws.com"}),
        (HOME, {"region": "us-east-1"}),
        (HOME, {"region": "AWS:us-east-1"}),
        ("us-east-1", {"region": "us-east-1"}),
        ("aws:eu-central-1", {"endpoint": "s3.eu-central-1.amazonaws.com"}),
        ("google:us-west1", {"type": "gcs", "region": "us-west1"}),
        ("azure:eastus", {"type": "azure", "endpoint": None}),
    ],
)
def test_same_place_is_fine(location, service):
    assert not apart(location, **service)


@pytest.mark.parametrize(
    ("location", "service"),
    [
        (None, {"region": "us-west-2"}),
        (None, {"type": "gcs"}),
        (HOME, {"endpoint": "s3.amazonaws.com"}),
        ("aws:eu-central-1", {"endpoint": None}),
        ("aws:", {"region": "us-west-2"}),
        ("moon:us-east-1", {"region": "us-west-2"}),
        ("somewhere", {"type": "gcs"}),
        (HOME, {"type": "swift"}),
        (HOME, {"type": None}),
        (HOME, {"region": "EU"}),
        (HOME, {"region": "europe"}),
        ("google:us-west1", {"type": "gcs", "region": "us"}),
        ("google:us-west1", {"type": "s3", "endpoint": "storage.googleapis.com"}),
        (HOME, {"type": "s3", "endpoint": "minio.lab.example.org", "region": "us-west-2"}),
        (HOME, {"endpoint": "s3-website-us-east-1.amazonaws.com"}),
        (HOME, {"endpoint": "s3.dualstack.eu-west-1.amazonaws.com"}),
    ],
)
def test_untold_place_is_fine(location, service):
    """A place that is not told, or not understood, is no problem."""
    assert not apart(location, **service)


def test_both_places_are_named():
    """The sentence names both places and the number of items."""
    volume = a_volume(endpoint="s3.eu-central-1.amazonaws.com")
    items = [an_item(A), an_item(B, location="b")]

    text = only(problems(items, facts(a_file(), a_file(B), volumes=[volume])))

    assert text == (
        f"project {PROJECT} is in 'aws:us-east-1', and volume {OUT}, where 2 items of it go, is in 'eu-central-1':"
        f" 9027: {REMEDIES[9027].text}"
    )


def test_cloud_by_volume_type():
    text = only(problems([an_item()], facts(a_file(), volumes=[a_volume(type="GCS", endpoint=None)])))

    assert "where 1 item of it goes, is of type 'gcs': 9027" in text


def test_projects_meet_volumes():
    """Each project is compared with each volume that its items go to."""
    far = a_volume("mcurie/far", endpoint="s3.eu-west-1.amazonaws.com")
    near = a_volume(endpoint="s3.us-east-1.amazonaws.com")
    items = [an_item(A), an_item(A, volume="mcurie/far"), an_item(B), an_item(B, volume="mcurie/far")]
    files = [a_file(), a_file(B, project="mcurie/polonium")]
    locations = {PROJECT: HOME, "mcurie/polonium": "aws:eu-west-1"}

    found = problems(items, facts(*files, volumes=[near, far], locations=locations))

    assert [text.split(", where")[0] for text in found] == [
        f"project {PROJECT} is in 'aws:us-east-1', and volume mcurie/far",
        f"project mcurie/polonium is in 'aws:eu-west-1', and volume {OUT}",
    ]


def test_no_project_is_fine():
    assert problems([an_item()], facts(a_file(project=None), volumes=[a_volume(region="eu-west-1")])) == []

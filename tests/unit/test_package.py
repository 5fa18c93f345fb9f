"""The package's face: addresses, links, versions and workflows agree with each other and with the tree."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement

import airflow_provider_cgc
from dev import pythons, stages
from dev.constraints import LINES
from tests.conftest import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
REPOSITORY = SETUP["metadata"]["url"]
"""The one place in which the address of the repository is chosen; everything else must agree with it."""
OWNER, NAME = urlsplit(REPOSITORY).path.strip("/").split("/")
PAGES = f"https://{OWNER}.github.io/{NAME}/"
URLS = dict(re.findall(r"^(.+?) = (\S+)$", SETUP["metadata"]["project_urls"], re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
README = (ROOT / "README.md").read_text()
SHOWN = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.rst")), ROOT / "docs" / "conf.py"]
TEXTS = [path for path in [*SHOWN, ROOT / "setup.cfg", ROOT / "CITATION.cff", *WORKFLOWS] if path.exists()]
LINK = re.compile(r"\]\(([^)\s]+)")
OURS = re.compile(rf"(?:github\.com|githubusercontent\.com)/([\w.-]+/{NAME})\b|--repo ([\w.-]+/{NAME})\b")


def links(text: str) -> list[str]:
    """Every target of a Markdown link or image, and of HTML's `src` and `href`."""
    return LINK.findall(text) + re.findall(r"(?:src|href|srcset)=\"([^\"]+)\"", text)


def path_of(link: str) -> str | None:
    """The path in the tree that a link into our repository shows; None for any other link."""
    for start in (
        f"{REPOSITORY}/blob/main/",
        f"{REPOSITORY}/tree/main/",
        f"https://raw.githubusercontent.com/{OWNER}/{NAME}/main/",
    ):
        if link.startswith(start):
            return link.removeprefix(start).partition("#")[0]
    return None


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_repository_address(path: Path) -> None:
    """No file names another owner of the repository than setup.cfg."""
    text = path.read_text()

    assert {owner or repo for owner, repo in OURS.findall(text)} <= {f"{OWNER}/{NAME}"}
    assert set(re.findall(rf"https://[\w-]+\.github\.io/{NAME}/", text)) <= {PAGES}


def test_index_shows_the_addresses() -> None:
    assert {
        "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
        "Documentation": PAGES,
        "Issue tracker": f"{REPOSITORY}/issues",
        "Security": f"{REPOSITORY}/security/policy",
        "Source": REPOSITORY,
    } == URLS


def test_readme_links_are_absolute() -> None:
    """The package index shows the README, and has no files of the repository."""
    assert [link for link in links(README) if not link.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "setup.cfg"])
def test_linked_files_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    found = [path_of(link) for link in [*links(text), *re.findall(r"= (https://\S+)$", text, re.MULTILINE)]]

    assert [path for path in found if path is not None and not (ROOT / path).exists()] == []


def test_images_are_raw() -> None:
    """An image that is linked by its page ("blob") shows nothing."""
    images = [link for link in links(README) if link.endswith((".png", ".svg", ".gif"))]

    assert [link for link in images if link.startswith(f"{REPOSITORY}/")] == []


def test_citation_agrees() -> None:
    assert CITATION["version"] == airflow_provider_cgc.__version__
    assert CITATION["title"] == SETUP["metadata"]["name"]
    assert CITATION["authors"] == [{"name": SETUP["metadata"]["author"]}]
    assert CITATION["license"] == SETUP["metadata"]["license_expression"]
    assert (CITATION["repository-code"], CITATION["url"]) == (REPOSITORY, PAGES)


def test_pythons_agree() -> None:
    """The matrix knows the Pythons of the classifiers, and each is supported by the newest Airflow."""
    classified = re.findall(r"Programming Language :: Python :: (3\.\d+)", SETUP["metadata"]["classifiers"])

    assert tuple(classified) == pythons.SUPPORTED
    assert SETUP["options"]["python_requires"] == f">={classified[0]}"
    assert LINES[-1].newest_python == classified[-1]


def test_lowest_pins_are_the_lowest() -> None:
    """The line "lowest" has, of what we ask for ourselves, the very versions in setup.cfg."""
    [line] = [line for line in LINES if line.lowest]
    pins = dict(pin.partition(" ;")[0].split("==") for pin in reversed(line.constraints.read_text().split("\n")) if pin)

    asked = [Requirement(text) for text in SETUP["options"]["install_requires"].split("\n") if text]

    lowest = {one.name: next(iter(one.specifier)).version for one in asked}
    assert {name: as_triple(pins[name]) for name in lowest} == {name: as_triple(lowest[name]) for name in lowest}


def as_triple(version: str) -> str:
    """A version with its three numbers: "3.5" as "3.5.0"."""
    return ".".join([*version.split("."), "0", "0"][:3])


def test_pages_name_this_version() -> None:
    """A file, requirement or output on a page is that of this version."""
    named = found_on_pages(
        r"airflow[-_]provider[-_]cgc(?:-|==| )(\d[\w.]*)",
        r"airflow-provider-cgc \|.*\| (\d\S*)",
        r"tag: \"\d[\d.]*-(\d[\w.]*)\"",
    )

    assert len(named) > 10
    assert {page: version for page, version in named if version != airflow_provider_cgc.__version__} == {}


def test_pages_name_this_floor() -> None:
    """The compatibility layer that a page asks for is the one that `setup.cfg` asks for."""
    named = found_on_pages(r"common-compat(?:`*(?:>=|==)| *`* (?=\S+ or newer))(\d+(?:\.\d+)+)")
    [floor] = re.findall(r"common-compat>=(\S+)", SETUP["options"]["install_requires"])

    assert {page for page, _ in named} >= {"docs/installation.rst", "docs/guides/deployment.rst"}
    assert {page: version for page, version in named if as_triple(version) != as_triple(floor)} == {}


def found_on_pages(*patterns: str) -> list[tuple[str, str]]:
    """Each page with what the patterns find on it, but the changelog, which tells of other versions."""
    texts = {path: path.read_text() for path in SHOWN if path.name not in ("CHANGELOG.md", "changelog.rst")}
    return [
        (str(path.relative_to(ROOT)), found)
        for path, text in texts.items()
        for pattern in patterns
        for found in re.findall(pattern, text)
    ]


def test_security_reports_are_private() -> None:
    text = (ROOT / "SECURITY.md").read_text()

    assert f"{REPOSITORY}/security/advisories/new" in text
    assert re.findall(r"[\w.]+@[\w.]+\.\w+", text) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned(path: Path) -> None:
    """Every action is pinned by its commit and says its version, and no job has more rights than it names."""
    workflow, text = yaml.safe_load(path.read_text()), path.read_text()
    pinned = r"uses: [\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$"

    assert [line for line in re.findall(r"uses: (?!\./).*$", text, re.M) if not re.fullmatch(pinned, line)] == []
    assert workflow["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for run in (step.get("run", "") for step in job.get("steps", ())):
            assert all(re.search(rf"^{name}:", makefile, re.M) for name in re.findall(r"\bmake (\w+)", run)), run
            assert all((ROOT / "dev" / f"{name}.py").is_file() for name in re.findall(r"-m dev\.(\w+)", run)), run
            assert all((ROOT / name).is_file() for name in re.findall(r"^\.ci/\w+", run)), run


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_end(path: Path) -> None:
    """Every job has a limit of minutes; one that calls a workflow has those of its jobs."""
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]

    assert {name for name, job in jobs.items() if "uses" not in job and "timeout-minutes" not in job} == set()


def test_actions_are_kept_new() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]

    assert [(one["package-ecosystem"], one["directory"]) for one in updates] == [("github-actions", "/")]


def test_taught_actions_are_ours() -> None:
    """An action on a page has the major version that our own workflows use."""
    ours = dict(re.findall(r"uses: ([\w/-]+)@\w{40}  # (v\d+)", "".join(path.read_text() for path in WORKFLOWS)))
    taught = [found for path in SHOWN for found in re.findall(r"uses: ([\w/-]+)@(\S+)", path.read_text())]

    assert taught
    assert [f"{name}@{version}" for name, version in taught if ours.get(name) != version] == []


def test_only_publishing_may_publish() -> None:
    """The job that may write runs no code of the repository; all others may only read; it comes last."""
    jobs: dict[str, Any] = workflow("release")["jobs"]
    publish = jobs.pop("publish")

    assert all(job["permissions"] == {"contents": "read"} for job in jobs.values())
    assert publish["permissions"]["id-token"] == "write"
    assert [step for step in publish["steps"] if "run" in step or "checkout" in step["uses"]] == []
    assert (publish["needs"], jobs["test"]["needs"]) == ("test", "tag")


def test_tested_files_are_published() -> None:
    """A release publishes the files of its CI, where `make wheel` tests what `make package` has built."""
    [job] = workflow("ci")["jobs"].values()
    [run] = [number for number, step in enumerate(job["steps"]) if step.get("run") == ".ci/run"]
    kept = [step["with"] for step in job["steps"][run:] if step.get("if") is None and "upload" in step.get("uses", "")]
    taken = [step["with"] for step in workflow("release")["jobs"]["publish"]["steps"] if "download" in step["uses"]]
    [rule] = re.findall(r"^wheel: (.*)\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)

    assert [(one["name"], one["path"]) for one in kept] == [(one["name"], one["path"]) for one in taken]
    assert [one["path"] for one in kept] == ["dist/"]
    assert rule[0] == "package"
    assert rule[1].count("-m dev.matrix") == rule[1].count("--wheel dist/*.whl") > 0
    assert "wheel" in {stage.target for lanes in stages.CI for lane in lanes for stage in lane}


def test_site_is_of_a_good_main() -> None:
    """The site is published when the CI of a push to main has passed, and shows just that commit."""
    docs, ci = workflow("docs"), workflow("ci")["name"]
    checkout = docs["jobs"]["build"]["steps"][0]
    when = docs[True]  # as YAML reads the key "on"

    assert when == {"workflow_run": {"workflows": [ci], "types": ["completed"], "branches": ["main"]}}
    assert "workflow_run.conclusion == 'success'" in docs["jobs"]["build"]["if"]
    assert "workflow_run.event == 'push'" in docs["jobs"]["build"]["if"]
    assert checkout["with"]["ref"] == "${{ github.event.workflow_run.head_sha }}"


def workflow(name: str) -> dict[Any, Any]:
    """One of our workflows."""
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return found

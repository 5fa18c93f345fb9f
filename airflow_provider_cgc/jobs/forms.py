"""The forms of names on the platform: projects, volumes, file extensions, and pages of its web site.

Only a value that is certainly wrong is refused here; whether a thing exists is for the platform to say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from airflow_provider_cgc.jobs.text import shown

_OWNER_AND_NAME = re.compile(r"[^\s/]+/[^\s/]+")
_EXAMPLES = {"project": "owner/short-name", "volume": "owner/name"}
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_PARTS_OF_PAGES = {
    "project": re.compile(r"/(?:u|projects)/([^\s/?#]+/[^\s/?#]+)"),
    "volume": re.compile(r"/(?:v|storage/volumes)/([^\s/?#]+/[^\s/?#]+)"),
    "folder": re.compile(r"(?:/files/|[?&]parentId=)([0-9a-f]{24})"),
    "id": re.compile(r"/(?:files|tasks|exports|imports)/([0-9A-Za-z-]{20,})"),
}
_WHOLE_PAGES = {
    "project": re.compile(r"[^\s?#]*/(?:u|projects)/[^\s/?#]+/[^\s/?#]+/?(?:files/?)?"),
    "folder": re.compile(r"\S*"),
    "volume": re.compile(r"[^\s?#]*/(?:v|storage/volumes)/[^\s/?#]+/[^\s/?#]+/?"),
}
"""The pages of such a thing as a whole, without a query or fragment, which may choose a folder in it: how the web site
writes that is not documented."""
FILE_ENDS = (
    *(".bam", ".bai", ".cram", ".crai", ".sam", ".vcf", ".gvcf", ".bcf", ".tbi", ".csi", ".fastq", ".fq", ".fasta"),
    *(".fa", ".fai", ".bed", ".gtf", ".gff", ".gff3", ".maf", ".svs", ".dcm", ".h5", ".h5ad", ".bw", ".bigwig"),
    *(".gz", ".bgz", ".bz2", ".zip", ".tar", ".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xml", ".html"),
    *(".pdf", ".png", ".md5", ".cwl", ".yaml", ".yml", ".log"),
)
"""File extensions; no id of the platform ends with one."""


def named_problem(value: object, *, kind: str) -> str | None:
    """
    Return the problem of the id of a project or volume, to follow its name; None if there is none.

    :param kind: "project" or "volume".
    """
    if isinstance(value, str) and _OWNER_AND_NAME.fullmatch(value):
        return None
    part = part_of_page(value, kind)
    return f"is {shown(value)}; give {part or repr(_EXAMPLES[kind])}"


def part_of_page(value: object, kind: str) -> str | None:
    """Return the part of a page's address that is the id, for a message: "'owner/name', the part that counts"."""
    if not isinstance(value, str) or not _ADDRESS.match(value.strip()):
        return None
    found = _PARTS_OF_PAGES[kind].search(value)
    return f"{found[1]!r}, the part that counts" if found else None


def id_on_page(value: object, kind: str) -> str | None:
    """
    Return the id in a page's address that is about one such thing as a whole; None for any other value.

    The page of a folder is about more than its project, and listing the whole project would be a mistake.

    :param kind: "project", "folder" or "volume".
    """
    if part_of_page(value, kind) is None:
        return None
    address = str(value).strip()
    found = set(_PARTS_OF_PAGES[kind].findall(address))
    is_whole = bool(_WHOLE_PAGES[kind].fullmatch(address))
    return found.pop() if is_whole and len(found) == 1 else None


def is_page(value: object) -> bool:
    """Return True if this is the address of something on the platform's web site, or of its API."""
    is_file = isinstance(value, str) and is_file_name(value.strip())
    return not is_file and any(part_of_page(value, kind) for kind in _PARTS_OF_PAGES)


def is_file_name(value: str) -> bool:
    """Return True if this is certainly the name of a file, and no id."""
    return value.lower().endswith(FILE_ENDS)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; is 'loaction' meant to be 'location'?" if a word is close to a known one, or ""."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), list(known), n=1, cutoff=0.75)
    return f"; is {word!r} meant to be {close[0]!r}?" if close else ""

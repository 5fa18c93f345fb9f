"""The platform's error codes, each with its HTTP status and words, and the body they travel in."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

MORE_INFO = "http://docs.sevenbridges.com/docs/api-status-codes#{code}"

# code -> (HTTP status, message). The statuses are the published ones. The messages of 0, 1000, 9006, 9008,
# 9009, 9107, 90001 and 90005 are the service's own; choice: the others are put in our words in the same tone,
# because only their meaning is published.
CODES: dict[int, tuple[int, str]] = {
    0: (503, "The Platform is currently under maintenance."),
    1000: (429, "Rate limit exceeded! Check response headers."),
    2002: (404, "Requested user does not exist."),
    3002: (404, "Requested project does not exist."),
    5000: (503, "File service is unavailable."),
    5001: (403, "Insufficient privileges to access the requested file."),
    5002: (404, "Requested file does not exist."),
    5003: (409, "File with that name already exists."),
    5004: (400, "File id is empty."),
    5006: (400, "Metadata is not valid."),
    5008: (403, "Insufficient privileges to rename the file."),
    5009: (403, "Insufficient privileges to change the metadata of the file."),
    5010: (503, "Metadata service is unavailable."),
    5011: (403, "Insufficient privileges to change the tags of the file."),
    5012: (400, "Only folders can be created."),
    5021: (400, "Folder is not empty."),
    5022: (400, "Parent is not a folder."),
    5023: (400, "Folders cannot be updated."),
    5024: (400, "Name is not valid."),
    5025: (400, "Folders have no metadata."),
    5026: (404, "Destination folder does not exist."),
    5027: (400, "Folders have no tags."),
    5029: (400, "Either parent or project must be specified."),
    5030: (409, "Folder with that name already exists."),
    5031: (400, "Parent and project cannot be specified together."),
    5033: (400, "Request is not valid."),
    9003: (403, "Insufficient privileges to access the project."),
    9004: (403, "Insufficient privileges to access the file."),
    9005: (403, "Insufficient privileges to access the requested job."),
    9006: (403, "Requested file cannot be exported."),
    9007: (404, "Requested volume does not exist."),
    9008: (404, "Requested job does not exist."),
    9009: (404, "Requested file does not exist."),
    9011: (400, "Request syntax is not valid."),
    9012: (400, "Requested project does not exist."),
    9016: (400, "Access mode must be RW or RO."),
    9018: (400, "Name is missing and cannot be derived from the location."),
    9020: (403, "Insufficient privileges to access the volume."),
    9026: (403, "Volume is not in read-write mode."),
    9027: (403, "Exporting across different cloud locations is not supported."),
    9069: (409, "Volume is inactive."),
    9072: (400, "Path must not end with a slash."),
    9100: (503, "Error communicating with the storage service."),
    9101: (403, "Volume is not in read-write mode."),
    9102: (403, "Insufficient privileges to access the project."),
    9103: (403, "Insufficient privileges to access the item, or its location is not accessible."),
    9104: (404, "Volume does not exist."),
    9105: (404, "Item does not exist on the volume."),
    9106: (404, "File does not exist."),
    9107: (409, "Location on volume already contains a file."),
    9108: (409, "File already exists."),
    9109: (404, "File is missing or not accessible."),
    9200: (404, "Bucket does not exist."),
    9201: (403, "Access key is not valid."),
    9202: (403, "Secret key is not valid."),
    9203: (403, "IAM role is not valid."),
    9204: (403, "LIST permission on the bucket is missing."),
    9205: (403, "GET permission on the bucket is missing."),
    9206: (403, "PUT or PutObjectAcl permission on the bucket is missing."),
    9207: (403, "GetObjectAcl permission on the bucket is missing."),
    9208: (403, "GET permission on the Platform bucket is missing."),
    9209: (403, "Read-write volumes are not available in this region."),
    90000: (400, "Bad request."),
    90001: (401, "Unauthorized."),
    90002: (403, "Forbidden."),
    90003: (404, "Not found."),
    90004: (503, "Unexpected error."),
    90005: (503, "Service unavailable."),
    90006: (405, "Method not allowed."),
    90007: (409, "Request conflicts with the state of the resource."),
    90008: (415, "Content type is not supported."),
    90009: (500, "Request body could not be decoded."),
}


FIELDS = ("status", "code", "message", "more_info")


class PlatformError(Exception):
    """One of the platform's coded errors: the answer of a call, of a bulk item, or of a FAILED job."""

    def __init__(self, code: int, message: str | None = None) -> None:
        if code not in CODES:
            raise ValueError(f"{code} is not a code this emulator knows; see CODES in {__name__}")
        self.code = code
        self.status, default = CODES[code]
        self.message = message or default
        super().__init__(f"{self.status}/{code} {self.message}")

    def to_json(self, lacks: Collection[str] = ()) -> dict[str, Any]:
        """Return the error object, the same in all three places; `lacks` are fields to leave out."""
        values = (self.status, self.code, self.message, MORE_INFO.format(code=self.code))
        return {name: value for name, value in zip(FIELDS, values, strict=True) if name not in lacks}


class PageError(Exception):
    """An answer of the gateway, which is a page; `kind` is one of the pages of `canned.py`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


def gateway_body(status: int) -> dict[str, Any]:
    """Return the body of the gateway in front of the API, which knows no codes and spells `status` as a word."""
    words = HTTPStatus(status).phrase
    return {"status": words.upper().replace(" ", "_"), "message": f"HTTP {status} {words}"}

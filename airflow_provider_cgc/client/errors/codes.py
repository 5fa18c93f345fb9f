"""The platform's error codes: what each means for the user, and for the code that meets it.

To add a code, add its line to the table below, and a name where our code asks for it. Meanings:
https://docs.cancergenomicscloud.org/docs/api-status-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ABOUT_ONE_ITEM", "DENIALS", "REMEDIES", "STATUS_REMEDIES", "TOKEN_PAGE", "Remedy"]

TOKEN_PAGE = "Developer > Authentication token"  # noqa: S105  # a page's name
"""The page of the platform that shows a user's token and makes new ones."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Advice for a person who meets an error. `may_pass`: the same request may succeed later by itself."""

    text: str
    may_pass: bool = False


_remedies: dict[int, Remedy] = {}
_status_remedies: dict[int, Remedy] = {}
_about_one_item: set[int] = set()
_denials: set[int] = set()


def _code(code: int, remedy: str, *, may_pass: bool = False, one_item: bool = False, denies: bool = False) -> int:
    """
    Add a code to the table, and return it.

    :param may_pass: the same request may succeed later by itself.
    :param one_item: the error is about one file or one key, and says nothing of the others that are sent with it.
    :param denies: this user has no right to the job, its file or its project, or no valid token; waiting changes
        nothing.
    """
    if code in _remedies:
        raise ValueError(f"code {code} is in the table twice")
    _remedies[code] = Remedy(remedy, may_pass)
    if one_item:
        _about_one_item.add(code)
    if denies:
        _denials.add(code)
    return code


def _status(status: int, remedy: str, *, may_pass: bool = False, denies: bool = False) -> None:
    """Add an HTTP status, for answers without a code of the platform."""
    _status_remedies[status] = Remedy(remedy, may_pass)
    if denies:
        _denials.add(status)


# Sentences that stand more than once.

_LATER = "A part of the platform is down or busy. This is temporary: try again in a few minutes."
_BAD_REQUEST = "The platform did not understand the request: check the values, and report this if they look right."
_FILE_ID = (
    "Check the file id: the file was deleted, this user is not a member of its project, or what is given is not an id "
    "but a name. An id has 24 characters from 0-9 and a-f; CgcListFilesOperator finds the ids of files by name."
)
_FOLDER = "This is a folder: give the files in it, which CgcListFilesOperator lists (its argument 'folder')."
_EDITED_FOLDER = "This is a folder, which has no metadata and tags of its own: give the files in it."
_JOB_ID = (
    "Check that this is the id of a job and not, for example, of its file, and that the connection has the platform "
    "and the user who started the job. A job that ended long ago may be gone; the platform does not say how long it "
    "keeps them."
)
_PROJECT_ID = "Check the project id: 'owner/short-name', as in the project's web address."
_PROJECT_FORM = "Write the project as 'owner/short-name', as in its web address."
_CONTROLLED = (
    "If the data are controlled (dbGaP), this user's link with eRA Commons may have expired: renew it on the platform."
)
_READ_ONLY = "The volume is read-only for the platform: ask its owner to set its access mode to RW."
_WRITE_TO_IMPORT = "Ask an admin of the destination project to give this user the permission 'write'."
_APP_FORM = "Give the app as 'owner/project/app', with or without '/revision'."
_BUCKET_POLICY = "Ask the owner of the bucket to correct its policy or IAM role for the platform"
_NEW_CREDENTIALS = "Ask the owner of the volume to enter valid credentials for the bucket."
_NO_DESTINATION = "Check the destination: there is no such project or folder."
_TOKEN = (
    "The token is mistyped, has expired, was deleted, was replaced by a newer one, or belongs to another platform: "
    f"put the current one into the connection's field Token (its password). The platform shows it under {TOKEN_PAGE}."
)
_OTHER_SERVER = (
    "This answer may not come from the platform: check the connection's host, and whether a proxy or a login page is "
    "in between."
)

# The platform as a whole

_code(0, "The platform is in maintenance. This is temporary: its status page tells more.", may_pass=True)
NO_REQUEST_LEFT = _code(
    1000,
    "All requests of this user in this 5-minute window are used up, by everything that uses the same token: wait for "
    "the next window. If it happens again, lower the connection's 'rate_share', or run fewer tasks and scripts with "
    "this token at once.",
    may_pass=True,
)
"""The requests of this user in this window are used up."""
_code(2001, "This user may not see the other user: ask an admin of the division.")
_code(2002, "Check the user name: the platform has no such user.")

# Projects

_code(3001, "Ask an admin of the project to add this user as a member with the permissions needed.")
NO_SUCH_PROJECT = _code(3002, f"{_PROJECT_ID} This user must be a member of the project.")
"""There is no such project, or this user is not a member of it."""
WRONG_PROJECT_FORM = _code(3012, _PROJECT_FORM)
"""The project id is not written as 'owner/short-name'."""

# Files

_code(5001, f"Ask an admin of the project to give this user the permission 'copy' (or 'read'). {_CONTROLLED}")
NO_SUCH_FILE = _code(5002, _FILE_ID, one_item=True)
"""There is no file or folder with this id, or this user does not see it."""
_code(5003, "A file of this name exists already: choose another name, or overwrite it.")
NO_FILE_ID = _code(5004, "The file id is empty: check where the list of files comes from.")
"""The id of a file is empty."""
_code(5005, _PROJECT_FORM)
WRONG_METADATA = _code(
    5006,
    "Correct the file's metadata: texts only, a key of at most 100 bytes and a value of at most 300, and at most 1000 "
    "of them for a file.",
    one_item=True,
)
"""The platform does not take the metadata given for the file."""
_code(5008, "Ask an admin of the project to give this user the permission 'write', which renaming files needs.")
_code(5009, "Ask an admin of the project to give this user the permission 'write', which changing metadata needs.")
_code(5011, "Ask an admin of the project to give this user the permission 'write', which changing tags needs.")
_code(5014, "Ask an admin of the source project to give this user the permission 'copy'.")
_code(5017, _FOLDER)
_code(5018, _FOLDER)
_code(5022, "The parent is a file: give the id of a folder.")
_code(5023, _EDITED_FOLDER)
_code(5024, "Choose another name: the platform does not take this one. A folder's may not begin with two underscores.")
_code(5025, _EDITED_FOLDER)
_code(5026, "The destination folder does not exist: create it, or correct its id.")
_code(5027, _EDITED_FOLDER)
_code(5029, "Give either a project or a parent folder.")
FOLDER_EXISTS = _code(5030, "A folder of this name exists there already: use it, or choose another name.")
"""There is a folder of this name in the place already."""
_code(5031, "Give either a project or a parent folder, not both.")
_code(5032, "Ask an admin of the project to give this user the permission 'write', which moving files needs.")
_code(5034, "The volume behind this file is inactive: ask its owner to activate it.")

# Tasks

_code(7001, "Ask an admin of the project to give this user the permission 'execute'.")
_code(7002, "Check the task id: the task was deleted, or this user is not a member of its project.")
_code(7005, "Check the task id: it is a UUID, as in the task's web address.")
_code(7006, "Use one of the documented task statuses.")
_code(7007, "This needs a task in status DRAFT: make a new one.")
_code(7008, "This needs a task in status RUNNING.")
_code(7009, "The task's status does not allow this: look at the task on the platform.")
_code(7011, "The task has ended already: there is nothing to abort.")
_code(7012, "Give all required inputs of the app.")
_code(7015, _APP_FORM)
_code(7016, _APP_FORM)
_code(7017, "The platform cannot run this app, which is not a CWL app: check it in the app editor.")
_code(7024, "The inputs do not fit the app: open the draft on the platform, which lists what is wrong.")
_code(7026, "Only a task in status DRAFT can be changed: make a new one.")

# Volumes, exports and imports, when a job is submitted

_code(9000, _LATER, may_pass=True)
_code(9001, f"{_BUCKET_POLICY}: it lacks read access.")
_code(9002, f"{_BUCKET_POLICY}: it lacks cross-account write access.")
NO_RIGHT_TO_PROJECT = _code(
    9003,
    "Ask an admin of the project to add this user with the permission 'copy' to export from it, or 'write' to import "
    "into it.",
    denies=True,
)
"""This user may not export from the project, or import into it."""
_code(
    9004,
    f"Ask an admin of the file's project to add this user with the permission 'copy'. {_CONTROLLED}",
    denies=True,
)
_code(
    9005,
    "The job was started by another user, and only that user sees it: use that user's connection.",
    denies=True,
)
NOT_EXPORTABLE = _code(
    9006,
    "The platform does not export aliases, public or archived files, some files just restored, and files from a DRS "
    'import, which look like any other. Leave the file out; in CgcBulkExportOperator, aliases="skip" skips aliases '
    "and max_failures lets some items fail.",
    one_item=True,
)
"""The file is an alias, a public file or a copy of one, or archived: only what the platform stores is exported."""
NO_SUCH_VOLUME = _code(9007, "Check the volume id ('owner/name'), and that this user is a member of the volume.")
"""There is no such volume, or this user is not a member of it."""
NO_SUCH_JOB = _code(9008, _JOB_ID)
"""There is no export or import with this id."""
NO_SUCH_FILE_TO_EXPORT = _code(9009, _FILE_ID, one_item=True)
"""The same as 5002, when a job is submitted."""
_code(9010, "A volume of this name exists already: use it, or choose another name.")
_code(9011, _BAD_REQUEST)
_code(9012, _PROJECT_ID)
NO_NAME = _code(9018, "Give the import a name: it cannot be taken from the location.", one_item=True)
"""The import has no name, and its location gives none."""
NO_RIGHT_TO_VOLUME = _code(
    9020,
    "Ask an admin of the volume to give this user, as a member of it, the permission 'write' to export, or 'copy' to "
    "import.",
)
"""This user may not export to the volume, or import from it."""
_code(9021, _BAD_REQUEST)
_code(9022, "Correct 'aws_canned_acl' in the properties: the platform does not know this value.")
_code(9023, "Correct 'sse_algorithm' in the properties: AES256, aws:kms or null.")
_code(9024, "Correct 'aws_storage_class' in the properties: the platform does not know this value.")
_code(9025, _NEW_CREDENTIALS)
VOLUME_READ_ONLY = _code(9026, _READ_ONLY)
"""The platform may not write to the volume."""
OTHER_REGION = _code(
    9027,
    "A file can only be exported to a volume in the cloud and region of its project: use such a volume, or first copy "
    "the files to a project in the volume's region.",
)
"""The volume is in another cloud or region than the file's project."""
_code(9028, "The volume's access configuration is wrong: ask its owner to correct it.")
VOLUME_INACTIVE = _code(9069, "The volume is inactive: ask its owner to activate it.")
"""The volume's owner has deactivated it."""
LOCATION_IS_FOLDER = _code(9072, "The location ends with a slash: give the full key of the object.", one_item=True)
"""The location ends with a slash."""

# Exports and imports that were started and FAILED

_code(9100, "The platform could not reach the storage service. Submit this item again.", may_pass=True)
_code(9101, _READ_ONLY)
PROJECT_RIGHT_GONE = _code(
    9102, "Ask an admin of the project to add this user with the permissions 'copy' and 'write'."
)
"""The same as 9003, when the job runs."""
NOT_REACHABLE = _code(
    9103,
    "The object or location cannot be reached as the volume is configured: ask the owner of the volume to check its "
    "credentials, its prefix and the policy of the bucket, which may leave out just this key.",
)
"""The object or location is not accessible as the volume is configured, or this user has no right to it."""
VOLUME_GONE = _code(9104, "Check the volume id: the volume was deleted, or this user is not a member of it.")
"""The same as 9007, when the job runs."""
NO_SUCH_OBJECT = _code(
    9105,
    "Check the location: there is no such object below the volume's prefix, or it is a folder, whose location ends "
    "with a slash. CgcListVolumeOperator lists the objects that are there, also those of a folder.",
    one_item=True,
)
"""There is no object at the location."""
FILE_DELETED = _code(9106, "Check the file id: the file was deleted after the job was submitted.", one_item=True)
"""The file was deleted after the job was submitted."""
LOCATION_TAKEN = _code(
    9107,
    "An object is at this location already, perhaps from an earlier try of this export. Keep it with "
    'if_exists="skip" of CgcBulkExportOperator, which compares sizes, replace it with if_exists="overwrite", '
    "delete it, or give another location.",
    one_item=True,
)
"""An object is at the location already, and may not be replaced."""
NAME_TAKEN = _code(
    9108,
    "The name is taken there, perhaps by an earlier try of this import. Keep an alias of the same object with "
    'if_exists="skip" of CgcBulkImportOperator, replace a file with "overwrite", import beside it with "rename", '
    "or give another name.",
    one_item=True,
)
"""A file of this name is in the destination already, and may not be replaced."""
FILE_NOT_READABLE = _code(
    9109, "The file is missing or not accessible: check that it still exists and who may read it.", one_item=True
)
"""The file is missing, or not accessible."""

# Buckets behind volumes

_code(9200, "The bucket does not exist, or not any more: ask the owner of the volume.")
_code(9201, _NEW_CREDENTIALS)
_code(9202, _NEW_CREDENTIALS)
_code(9203, "The volume's IAM role is wrong or cannot be assumed: ask the owner of the bucket to correct it.")
_code(9204, f"{_BUCKET_POLICY}: s3:ListBucket is missing.")
_code(9205, f"{_BUCKET_POLICY}: s3:GetObject is missing.")
_code(9206, f"{_BUCKET_POLICY}: s3:PutObject or s3:PutObjectAcl is missing.")
_code(9207, f"{_BUCKET_POLICY}: s3:GetObjectAcl is missing.")
_code(
    9208,
    f"{_BUCKET_POLICY}: its IAM user needs s3:GetObject on the platform's own bucket, which a cross-account export "
    "reads from.",
)
_code(9209, "The platform offers no read-write volume in that region: use a bucket in a supported region.")

# Imports from DRS and other repositories

_code(10210, _WRITE_TO_IMPORT)
_code(10211, _JOB_ID)
_code(10213, _NO_DESTINATION)
_code(10215, _LATER, may_pass=True)
_code(10217, _BAD_REQUEST)
_code(10218, _BAD_REQUEST)
_code(10220, _LATER, may_pass=True)
_code(10221, _WRITE_TO_IMPORT)
_code(10222, "Check the source: there is no such object.")
_code(10223, "A file of this name exists in the destination already: choose another name, or how to resolve it.")
_code(10224, "A folder of this name exists in the destination already: choose another name.")
_code(10225, _NO_DESTINATION)
_code(
    10226,
    "Connect this user's account on the platform with the repository that the file comes from; such a connection "
    "expires after some time.",
)
_code(10246, "Correct the import address: it must be a valid DRS address.")
_code(10248, "Correct the metadata given with the import.")
_code(
    10371,
    "Too many imports at once for the outside repository. This is temporary: try again in a few minutes.",
    may_pass=True,
)
_code(10372, "The file to import collides with an existing one: choose how to resolve conflicts.")

# Any request

_code(90000, _BAD_REQUEST)
_code(90001, _TOKEN, denies=True)
_code(90002, "This user may not do that: ask an admin of the project or volume for the permission.", denies=True)
_code(90003, "Check the id: there is no such thing on the platform, or this user does not see it.")
_code(90004, _LATER, may_pass=True)
_code(90005, _LATER, may_pass=True)
_code(90006, "This address does not offer that: check that the host is a Seven Bridges API, version 2.")
_code(90007, "It conflicts with something that exists: look at it on the platform first.")
_code(90008, "The content type was refused: a proxy in between may have changed the request.")
_code(90009, "The platform could not read the request: a proxy in between may have changed it.")
for _down in (2000, 3000, 4000, 5000, 5010, 6000, 7000, 8000, 13000, 13004, 57434):
    _code(_down, _LATER, may_pass=True)

# HTTP statuses, for answers without a code

_status(401, f"{_OTHER_SERVER} If it does: {_TOKEN}", denies=True)
_status(403, f"{_OTHER_SERVER} Otherwise ask an admin of the project or volume for the permission.", denies=True)
_status(405, "The address does not take such calls: check host and path of the connection.")
_status(407, "The proxy asks for a user and password: give them in the connection's 'proxies'.")
_status(429, _remedies[NO_REQUEST_LEFT].text, may_pass=True)
_status(502, _LATER, may_pass=True)
_status(503, _LATER, may_pass=True)
_status(504, _LATER, may_pass=True)

REMEDIES: Mapping[int, Remedy] = MappingProxyType(_remedies)
"""Remedies by the platform's code."""
STATUS_REMEDIES: Mapping[int, Remedy] = MappingProxyType(_status_remedies)
"""Remedies by HTTP status, for answers without a code of the platform."""
ABOUT_ONE_ITEM = frozenset(_about_one_item)
"""Codes about one file or one key, which say nothing of the others that are sent with it."""
DENIALS = frozenset(_denials)
"""Codes, and HTTP statuses, of a refusal that waiting does not change: see `Problem.denies`."""

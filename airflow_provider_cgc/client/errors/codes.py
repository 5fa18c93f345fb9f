"""The table of the platform's error codes: who must do what, and whether trying again can help by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_SUCH_PROJECT = 3002
"""There is no such project, or this user is no member of it."""
NO_SUCH_FILE = 5002
"""There is no file or folder with this id, or this user does not see it."""
NOT_EXPORTABLE = 9006
"""The file is an alias, a public file or a copy of one, or archived: only what the platform stores is exported."""
NO_SUCH_VOLUME = 9007
"""There is no such volume, or this user is no member of it."""
NO_SUCH_JOB = 9008
"""There is no export or import with this id."""
NO_SUCH_FILE_TO_EXPORT = 9009
"""What 5002 is, told when a job is submitted."""
VOLUME_READ_ONLY = 9026
"""The platform may not write to the volume."""
OTHER_PLACE = 9027
"""The volume is in another cloud or region than the file's project."""
VOLUME_INACTIVE = 9069
"""The volume's owner has deactivated it."""
LOCATION_IS_FOLDER = 9072
"""The location ends with a slash."""
NO_SUCH_OBJECT = 9105
"""There is nothing at the location."""
FILE_DELETED = 9106
"""The file was deleted after the job was submitted."""
LOCATION_TAKEN = 9107
"""An object stands at the location already, and may not be replaced."""
FILE_NOT_READABLE = 9109
"""The file is missing, or not accessible."""
ABOUT_ONE_ITEM = frozenset(
    {
        NO_SUCH_FILE,
        NOT_EXPORTABLE,
        NO_SUCH_FILE_TO_EXPORT,
        LOCATION_IS_FOLDER,
        NO_SUCH_OBJECT,
        FILE_DELETED,
        LOCATION_TAKEN,
        FILE_NOT_READABLE,
    }
)
"""What is about one file or one key, and says nothing of the others that are sent with it."""


__all__ = ["REMEDIES", "STATUS_REMEDIES", "TOKEN_PAGE", "Remedy"]

TOKEN_PAGE = "Developer > Authentication token"  # noqa: S105  # a page's name
"""The page of the platform that shows a user's token and makes new ones."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a person can do about an error. `may_pass`: the same request may succeed later by itself."""

    text: str
    may_pass: bool = False


def _may_pass(text: str) -> Remedy:
    return Remedy(text, may_pass=True)


_LATER = "A part of the platform is down or busy: it passes by itself, try again in some minutes."
_OWN_SIGN_IN = (
    "The token is mistyped, has expired, was deleted, was replaced by a newer one, or belongs to another platform: "
    f"put the current one into the connection's field Token (its password). The platform shows it under {TOKEN_PAGE}."
)
_OTHER_SERVER = (
    "This answer may not come from the platform: check the connection's host, and whether a proxy or a login page is "
    "in between."
)
_CONTROLLED = (
    "If the data are controlled (dbGaP), this user's link with eRA Commons may have expired: renew it on the platform."
)
_FILE_ID = (
    "Check the file id: the file was deleted, or this user is no member of its project, or it is no id but a name. "
    "An id has 24 characters from 0-9 and a-f; CgcListFilesOperator finds the ids of names."
)
_FOLDER = "This is a folder: give the files in it, which CgcListFilesOperator lists (its argument 'folder')."
_RIGHT_ON_VOLUME = (
    "Ask an admin of the volume to give this user, as a member of it, the permission 'write' to export, or 'copy' to "
    "import."
)
_BUCKET_POLICY = "Ask the owner of the bucket to correct its policy or IAM role for the platform"
_NEW_CREDENTIALS = "Ask the owner of the volume to enter valid credentials for the bucket."
_NO_JOB = (
    "Check that the id is that of the job and not, say, of its file, and that the connection is of the platform and "
    "the user who started the job. A job that ended long ago may be gone: nothing tells how long the platform keeps "
    "them."
)
_BAD_REQUEST = "The request was not understood: check the values given, and report it if they look right."

_GENERAL = {
    0: _may_pass("The platform is in maintenance: it comes back by itself, see its status page."),
    1000: _may_pass(
        "All requests of this user in this 5-minute window are used up, by anything with the same token: "
        "wait for the next window. If it comes again, lower the connection's 'rate_share', or run fewer tasks and "
        "scripts with this token at once."
    ),
    2001: Remedy("This user may not see the other user: ask an admin of the division."),
    2002: Remedy("Check the user name: the platform has no such user."),
}

_PROJECTS = {
    3001: Remedy("Ask an admin of the project to add this user as a member with the permissions needed."),
    3002: Remedy("Check the project id ('owner/short-name', as in its web address) and that this user is a member."),
    3012: Remedy("Write the project as 'owner/short-name', as in its web address."),
}

_FILES = {
    5001: Remedy(f"Ask an admin of the project for the permission 'copy' (or 'read') for this user. {_CONTROLLED}"),
    5002: Remedy(_FILE_ID),
    5003: Remedy("A file of this name exists already: choose another name, or overwrite."),
    5004: Remedy("The file id is empty: check where the list of files comes from."),
    5005: Remedy("Write the project as 'owner/short-name'."),
    5008: Remedy("Ask an admin of the project for the permission 'write' to rename its files."),
    5009: Remedy("Ask an admin of the project for the permission 'write' to change metadata."),
    5014: Remedy("Ask an admin of the source project for the permission 'copy'."),
    5017: Remedy(_FOLDER),
    5018: Remedy(_FOLDER),
    5022: Remedy("The parent given is a file: give the id of a folder."),
    5026: Remedy("The destination folder does not exist: create it or correct its id."),
    5029: Remedy("Give either a project or a parent folder."),
    5031: Remedy("Give either a project or a parent folder, not both."),
    5032: Remedy("Ask an admin of the project for the permission 'write' to move its files."),
    5034: Remedy("The volume behind this file is inactive: ask its owner to activate it."),
}

_TASKS = {
    7001: Remedy("Ask an admin of the project for the permission 'execute' on it for this user."),
    7002: Remedy("Check the task id: the task was deleted, or belongs to a project this user is no member of."),
    7005: Remedy("A task id is a UUID, as in the web address of the task."),
    7006: Remedy("Use one of the documented task statuses."),
    7007: Remedy("Only a task in status DRAFT can do that: make a new one."),
    7008: Remedy("Only a task in status RUNNING can do that."),
    7009: Remedy("The task is in a status in which this is not possible: look at it on the platform."),
    7011: Remedy("The task has ended already: there is nothing to abort."),
    7012: Remedy("Give all required inputs of the app."),
    7015: Remedy("Give the app as 'owner/project/app' or with '/revision'."),
    7016: Remedy("Give the app as 'owner/project/app' or with '/revision'."),
    7017: Remedy("The app is no CWL app that the platform can run: check it in the app editor."),
    7024: Remedy("The inputs do not fit the app: open the draft on the platform, it lists what is wrong."),
    7026: Remedy("Only a task in status DRAFT can be changed: make a new one."),
}

_VOLUME_REQUESTS = {
    9000: _may_pass(_LATER),
    9001: Remedy(_BUCKET_POLICY + ": it lacks read access."),
    9002: Remedy(_BUCKET_POLICY + ": it lacks cross-account write access."),
    9003: Remedy(
        "Ask an admin of the project to add this user with the permission 'copy' to export from it, or 'write' to "
        "import into it."
    ),
    9004: Remedy(f"Ask an admin of the file's project to add this user with the permission 'copy'. {_CONTROLLED}"),
    9005: Remedy("The job was started by another user, and only that user sees it: use that user's connection."),
    9006: Remedy(
        "The platform does not export aliases, public or archived files, some just restored ones, and files from a DRS "
        "import, which look like any other. Leave it out; of CgcBulkExportOperator, "
        'aliases="skip" skips aliases and max_failures lets some items fail.'
    ),
    9007: Remedy("Check the volume id ('owner/name') and that this user is a member of the volume."),
    9008: Remedy(_NO_JOB),
    9009: Remedy(_FILE_ID),
    9010: Remedy("A volume of this name exists: use it, or choose another name."),
    9011: Remedy(_BAD_REQUEST),
    9012: Remedy("Check the project id ('owner/short-name', as in its web address)."),
    9018: Remedy("Give the import a name: none can be made of its location."),
    9020: Remedy(_RIGHT_ON_VOLUME),
    9021: Remedy(_BAD_REQUEST),
    9022: Remedy("Correct 'aws_canned_acl' in the properties: the platform does not know this value."),
    9023: Remedy("Correct 'sse_algorithm' in the properties: AES256, aws:kms or null."),
    9024: Remedy("Correct 'aws_storage_class' in the properties: the platform does not know this value."),
    9025: Remedy(_NEW_CREDENTIALS),
    9026: Remedy("The volume is read-only for the platform: ask its owner to set access mode RW."),
    9027: Remedy(
        "Export goes only to a volume in the cloud and region of the file's project: use a volume there, or copy "
        "the files to a project in the volume's location first."
    ),
    9028: Remedy("The volume's access configuration is bad: ask its owner to correct it."),
    9069: Remedy("The volume is inactive: ask its owner to activate it."),
    9072: Remedy("The location ends with a slash: give the full key of the object."),
}

_VOLUME_JOBS = {
    9100: _may_pass("The platform could not talk to the storage service: submit this item again."),
    9101: Remedy("The volume is read-only for the platform: ask its owner to set access mode RW."),
    9102: Remedy("Ask an admin of the project to add this user with the permissions 'copy' and 'write'."),
    9103: Remedy(
        "The object or location cannot be reached as the volume is configured: ask the owner of the volume to check "
        "its credentials, its prefix and the policy of the bucket, which may leave out just this key."
    ),
    9104: Remedy("Check the volume id: the volume was deleted, or this user is no member of it."),
    9105: Remedy(
        "Check the location: there is no such object below the volume's prefix, or it is a folder, whose location "
        "ends with a slash."
    ),
    9106: Remedy("Check the file id: the file was deleted after the job was submitted."),
    9107: Remedy(
        "An object is at this location already, maybe from an earlier try of this very export. Keep it with "
        'if_exists="skip" of CgcBulkExportOperator, which compares sizes, replace it with if_exists="overwrite", '
        "delete it, or give another location."
    ),
    9108: Remedy(
        "A file of this name exists in the destination already, maybe from an earlier try of this very import: "
        "choose another name, autorename or overwrite, or delete the file."
    ),
    9109: Remedy("The file is missing or not accessible: check that it still exists and who may read it."),
}

_BUCKETS = {
    9200: Remedy("The bucket does not exist (any more): ask the owner of the volume."),
    9201: Remedy(_NEW_CREDENTIALS),
    9202: Remedy(_NEW_CREDENTIALS),
    9203: Remedy("The IAM role of the volume is wrong or not assumable: ask the owner of the bucket to correct it."),
    9204: Remedy(_BUCKET_POLICY + ": s3:ListBucket is missing."),
    9205: Remedy(_BUCKET_POLICY + ": s3:GetObject is missing."),
    9206: Remedy(_BUCKET_POLICY + ": s3:PutObject or s3:PutObjectAcl is missing."),
    9207: Remedy(_BUCKET_POLICY + ": s3:GetObjectAcl is missing."),
    9208: Remedy(
        _BUCKET_POLICY + ": its IAM user needs s3:GetObject on the platform's own bucket, which a cross-account "
        "export reads from."
    ),
    9209: Remedy("The platform offers no read-write volume in that region: use a bucket in a supported region."),
}

_BULK_IMPORTS = {
    10210: Remedy("Ask an admin of the destination project for the permission 'write' on it for this user."),
    10211: Remedy(_NO_JOB),
    10213: Remedy("Check the destination: there is no such project or folder."),
    10215: _may_pass(_LATER),
    10217: Remedy(_BAD_REQUEST),
    10218: Remedy(_BAD_REQUEST),
    10220: _may_pass(_LATER),
    10221: Remedy("Ask an admin of the destination project for the permission 'write' on it for this user."),
    10222: Remedy("Check the source: there is no such object."),
    10223: Remedy("A file of this name exists in the destination already: choose another name, or how to resolve it."),
    10224: Remedy("A folder of this name exists in the destination already: choose another name."),
    10225: Remedy("Check the destination: there is no such project or folder."),
    10226: Remedy(
        "Connect this user's account on the platform with the repository that the file comes from; such a connection "
        "runs out after some time."
    ),
    10246: Remedy("Correct the import address: it must be a valid DRS address."),
    10248: Remedy("Correct the metadata given with the import."),
    10371: _may_pass("Too many imports at once for the outside repository: it passes by itself."),
    10372: Remedy("The import collides with an existing file: choose how to resolve conflicts."),
}

_GENERIC = {
    90000: Remedy(_BAD_REQUEST),
    90001: Remedy(_OWN_SIGN_IN),
    90002: Remedy("This user may not do that: ask an admin of the project or volume for the permission."),
    90003: Remedy("Check the id: the platform has no such thing, or not for this user."),
    90004: _may_pass(_LATER),
    90005: _may_pass(_LATER),
    90006: Remedy("This address does not offer that: check that the host is a Seven Bridges API, version 2."),
    90007: Remedy("It collides with something that exists: look at it on the platform first."),
    90008: Remedy("The content type was refused: a proxy between may have changed the request."),
    90009: Remedy("The platform could not read the request: a proxy between may have changed it."),
}

_DOWN = {code: _may_pass(_LATER) for code in (2000, 3000, 4000, 5000, 5010, 6000, 7000, 8000, 13000, 13004, 57434)}

REMEDIES: Mapping[int, Remedy] = MappingProxyType(
    _GENERAL
    | _PROJECTS
    | _FILES
    | _TASKS
    | _VOLUME_REQUESTS
    | _VOLUME_JOBS
    | _BUCKETS
    | _BULK_IMPORTS
    | _GENERIC
    | _DOWN
)
"""Remedies by the platform's code."""

STATUS_REMEDIES: Mapping[int, Remedy] = MappingProxyType(
    {
        401: Remedy(f"{_OTHER_SERVER} If it does: {_OWN_SIGN_IN}"),
        403: Remedy(f"{_OTHER_SERVER} Otherwise ask an admin of the project or volume for the permission."),
        405: Remedy("The address takes no such calls: check host and path of the connection."),
        407: Remedy("The proxy asks for a user and password: give them in the connection's 'proxies'."),
        429: REMEDIES[1000],
        502: _may_pass(_LATER),
        503: _may_pass(_LATER),
        504: _may_pass(_LATER),
    }
)
"""Remedies by HTTP status, for answers that carry no code of the platform."""

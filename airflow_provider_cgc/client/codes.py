"""The error codes of the platform by which something is decided; what a person can do about each is in `remedies`.

https://docs.cancergenomicscloud.org/docs/api-status-codes
"""

from __future__ import annotations

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

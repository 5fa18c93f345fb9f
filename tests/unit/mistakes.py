"""Mistakes with literal arguments, each with the text that a user reads after the operator's class and task id."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

FILE = "65a1b2c3d4e5f60718293a4b"
JOB = "Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo"
NAN = float("nan")
USUAL: dict[str, dict[str, Any]] = {
    "export": {"items": [FILE], "volume": "mcurie/radium_out", "copy_only": True},
    "import": {"items": ["run7/a.bam"], "volume": "mcurie/radium_out", "project": "mcurie/radium"},
    "wait": {"export_ids": [JOB]},
    "imports": {"import_ids": [JOB]},
    "list": {},
    "volume": {"volume": "mcurie/radium_out"},
}
MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("export", {"copy_only": "maybe"}, "copy_only is 'maybe'; give true or false."),
    ("export", {"copy_only": None}, "copy_only is None; give true or false."),
    ("export", {"copy_only": 1}, "copy_only is 1; give true or false."),
    ("export", {"if_exists": "replace"}, "if_exists is 'replace'; give one of fail, skip, overwrite."),
    ("export", {"aliases": "copy"}, "aliases is 'copy'; give one of fail, skip."),
    (
        "export",
        {"location": "{nam}"},
        "the location '{nam}' has the unknown field 'nam'; the fields are {name}, {path}, {project},"
        " {id}, {metadata.KEY}; is 'nam' meant to be 'name'?",
    ),
    (
        "export",
        {"location": "{name"},
        "the location '{name' has a single '{' at position 1; complete the field, or, for the"
        " character itself, write {{ '{{' }} in the Dag.",
    ),
    (
        "export",
        {"location": "/raw/{name}"},
        "the location '/raw/{name}' starts with a slash, which would make a folder without a name; remove it.",
    ),
    (
        "export",
        {"location": "raw/"},
        "the location 'raw/' ends with a slash, which names a folder (the platform's error 9072); give"
        " the full name of the object.",
    ),
    (
        "export",
        {"location": "raw//{name}"},
        "the location 'raw//{name}' has two slashes in a row, which would make a folder without a name; remove one.",
    ),
    (
        "export",
        {"location": "../{name}"},
        "the location '../{name}' has '.' or '..' for a folder or name, which many tools take for"
        " another place; write the place out.",
    ),
    (
        "export",
        {"location": "raw\t/{name}"},
        "the location 'raw\\t/{name}' has the control character '\\t' at position 4; remove it.",
    ),
    (
        "export",
        {"location": "x" * 1025},
        "the location"
        " 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' has 1025"
        " bytes in UTF-8, and object stores take at most 1024; shorten it.",
    ),
    (
        "export",
        {"location": "{name:>8}"},
        "the location '{name:>8}' formats the field 'name:>8'; fields are taken as they are.",
    ),
    ("export", {"location": None}, "the location is None, of type NoneType; give text."),
    ("export", {"location": 7}, "the location is 7, of type int; give text."),
    ("export", {"volume": "radium_out"}, "volume is 'radium_out'; give 'owner/name'."),
    (
        "export",
        {"volume": "https://cgc.sbgenomics.com/v/mcurie/radium_out/"},
        "volume is 'https://cgc.sbgenomics.com/v/mcurie/radium_out/'; give 'mcurie/radium_out', the part that counts.",
    ),
    ("export", {"volume": "s3://bucket"}, "volume is 's3://bucket'; give 'owner/name'."),
    (
        "export",
        {"volume": None},
        "item 1: file 65a1b2c3d4e5f60718293a4b has no volume; give the operator's 'volume', or the item's own.",
    ),
    (
        "export",
        {"properties": "AES256"},
        'properties is \'AES256\'; give an object such as {"sse_algorithm": "AES256"}.',
    ),
    (
        "export",
        {"properties": ["AES256"]},
        'properties is [\'AES256\']; give an object such as {"sse_algorithm": "AES256"}.',
    ),
    ("export", {"properties": {"x": NAN}}, "properties is {'x': nan}, and JSON cannot hold that; give plain values."),
    ("export", {"max_failures": -1}, "max_failures is -1; give a whole number from 0 on, or leave it out."),
    ("export", {"max_failures": "five"}, "max_failures is 'five'; give a whole number from 0 on, or leave it out."),
    (
        "export",
        {"max_failure_share": 5},
        "max_failure_share is 5; give a number from 0 to 1, such as 0.01 for one in a hundred.",
    ),
    (
        "export",
        {"max_failure_share": "5%"},
        "max_failure_share is '5%'; give a number from 0 to 1, such as 0.01 for one in a hundred.",
    ),
    (
        "export",
        {"max_failures": 1, "wait": False},
        "with wait=False and failures tolerated, the returned ids would not show which items"
        " the platform refused; give it a manifest_path, whose address is returned instead.",
    ),
    ("export", {"expected_count": "many"}, "expected_count is 'many'; give a whole number from 0 on, or leave it out."),
    (
        "export",
        {"expected_count": 3},
        "items has 1 item, but expected_count is 3: the list is incomplete, or has changed; look at its source.",
    ),
    ("export", {"items": None}, "neither items nor a manifest is given; give one of them."),
    ("export", {"items": []}, "items is empty; set allow_empty=True if there may be nothing to do."),
    (
        "export",
        {"items": ""},
        "items: is '': a template rendered to nothing; check the task id and the key in xcom_pull, and"
        " let the upstream task return a list ([] if there is nothing to wait for).",
    ),
    (
        "export",
        {"items": [FILE, 7]},
        "items: item 2 is 7, of type int, not a string; give the file's id as the platform shows it.",
    ),
    (
        "export",
        {"items": "sample 1.bam"},
        "items: item 2 is '1.bam', which looks like a file's name, and ids are wanted;"
        " CgcListFilesOperator(name='1.bam') finds it.",
    ),
    (
        "export",
        {"items": ["raw/sample.bam"]},
        "items: item 1 is 'raw/sample.bam', which looks like a file's name, and ids are wanted;"
        " CgcListFilesOperator(name='sample.bam') finds it.",
    ),
    (
        "export",
        {"items": f"https://cgc.sbgenomics.com/u/mcurie/radium/files/{FILE}/"},
        "items: item 1 is 'https://cgc.sbgenomics.com/u/mcurie/radium/files/65a1b2c3d4e5f60718293a4b/',"
        " which is not an id but a web address; give '65a1b2c3d4e5f60718293a4b', the part that counts.",
    ),
    (
        "export",
        {"items": [{"file": FILE, "loaction": "x"}, {"file": "no id", "location": ""}, {"id": FILE}]},
        "items: 4 problems\n"
        "- item 1 has ['loaction'], which no item knows; correct or remove it: an item may say file,"
        " location, volume, properties, name, size, path, project, location_template; is 'loaction'"
        " meant to be 'location'?\n"
        "- item 2 has a 'file' that is 'no id', which is not an id (letters, digits, '-', '_', '.',"
        " ':'); give the file's id as the platform shows it\n"
        "- item 2 has an empty 'location'; leave it out to get what the operator's arguments say\n"
        "- item 3 has no 'file'; give the id of the file there.",
    ),
    (
        "export",
        {"items": [{"file": FILE, "location": "raw/"}]},
        "item 1: file 65a1b2c3d4e5f60718293a4b has the location 'raw/', which ends with a slash, which"
        " names a folder (the platform's error 9072); give the full name of the object.",
    ),
    (
        "export",
        {"items": [{"file": FILE, "location": "a\0b"}]},
        "item 1: file 65a1b2c3d4e5f60718293a4b has the location 'a\\x00b', which has the control"
        " character '\\x00' at position 2; remove it.",
    ),
    (
        "export",
        {"items": [{"file": FILE, "volume": "radium_out"}]},
        "items: item 1 has a 'volume' that is 'radium_out'; give 'owner/name'.",
    ),
    (
        "export",
        {"items": {"ids": [FILE]}},
        "items: 2 problems\n"
        "- item 1 has no 'file'; give the id of the file there\n"
        "- item 1 has ['ids'], which no item knows; correct or remove it: an item may say file,"
        " location, volume, properties, name, size, path, project, location_template.",
    ),
    (
        "export",
        {"items": "[1, 2"},
        "items: starts like a list, but is neither JSON nor a Python list: '[1, 2'; check its brackets and quotes.",
    ),
    (
        "export",
        {"items": "files.jsonl"},
        "items: item 1 is 'files.jsonl', which looks like a file's name, and ids are wanted;"
        " CgcListFilesOperator(name='files.jsonl') finds it; a manifest has a whole address, such as"
        " s3://bucket/files.jsonl.",
    ),
    (
        "export",
        {"items": "s3://bucket/list.xlsx"},
        "items: s3://bucket/list.xlsx: the file type cannot be told from the name; let it end in .csv, .tsv, .txt,"
        " .jsonl, .ndjson.",
    ),
    ("export", {"manifest": "s3://bucket/a.jsonl"}, "give either items or a manifest, not both."),
    (
        "export",
        {"items": None, "manifest": "a.jsonl"},
        "manifest: The path 'a.jsonl' is not complete; write it like"
        " s3://bucket/folder/name.jsonl or file:///folder/name.jsonl.",
    ),
    (
        "export",
        {"items": None, "manifest": "s3://bucket/a.parquet"},
        "manifest: s3://bucket/a.parquet: the file type cannot be told from the name; let it end in .csv, .tsv,"
        " .txt, .jsonl, .ndjson.",
    ),
    (
        "export",
        {"items": None, "manifest": "file://a.jsonl"},
        "manifest: The path 'file://a.jsonl' names a host; a local file has three slashes: file:///folder/name.jsonl.",
    ),
    (
        "export",
        {"items": None, "manifest": "s3://b/a.jsonl", "manifest_path": "s3://b/a.jsonl"},
        "manifest has the same address as manifest_path, s3://b/a.jsonl, and the task would overwrite"
        " the file that it reads; give manifest_path another address.",
    ),
    (
        "export",
        {"manifest_path": "s3://bucket/runs/"},
        "manifest_path: The path 's3://bucket/runs/' has no file name; write it like s3://bucket/folder/name.jsonl.",
    ),
    (
        "export",
        {"manifest_path": "out.jsonl"},
        "manifest_path: The path 'out.jsonl' is not complete; write it like"
        " s3://bucket/folder/name.jsonl or file:///folder/name.jsonl.",
    ),
    (
        "export",
        {"failed_only": True},
        "failed_only=True chooses from a manifest that an earlier run wrote; give manifest.",
    ),
    (
        "export",
        {"cgc_conn_id": ""},
        "cgc_conn_id is ''; give the id of an Airflow connection, or leave it out for the default.",
    ),
    (
        "export",
        {"cgc_conn_id": None},
        "cgc_conn_id is None; give the id of an Airflow connection, or leave it out for the default.",
    ),
    (
        "export",
        {"cgc_conn_id": "https://cgc-api.sbgenomics.com/v2"},
        "cgc_conn_id is 'https://cgc-api.sbgenomics.com/v2'; give the id of an Airflow connection, or leave it out for"
        " the default.",
    ),
    (
        "export",
        {"location": "None"},
        "the location is 'None': a template rendered to nothing; correct the template.",
    ),
    (
        "export",
        {"location": Path("raw/{name}")},
        "the location is PosixPath('raw/{name}'), of type PosixPath; give text.",
    ),
    (
        "export",
        {"manifest_path": "file:///runs/exports.csv"},
        "manifest_path is 'file:///runs/exports.csv', but the manifest is JSON Lines; let it end in .jsonl.",
    ),
    (
        "export",
        {"manifest_path": "s3://bucket/gdc_manifest.txt"},
        "manifest_path is 's3://bucket/gdc_manifest.txt', but the manifest is JSON Lines; let it end in .jsonl.",
    ),
    (
        "export",
        {"manifest_path": Path("exports.jsonl")},
        "manifest_path: The path 'exports.jsonl' is not complete; write it like"
        " s3://bucket/folder/name.jsonl or file:///folder/name.jsonl.",
    ),
    (
        "export",
        {"metadata_path": "s3://bucket/meta.csv"},
        "metadata_path is 's3://bucket/meta.csv'; let it end in .jsonl, because the metadata is JSON Lines.",
    ),
    (
        "export",
        {"metadata_path": "s3://bucket/meta"},
        "metadata_path is 's3://bucket/meta'; let it end in .jsonl, because the metadata is JSON Lines.",
    ),
    (
        "export",
        {"metadata_path": "meta.jsonl"},
        "metadata_path: The path 'meta.jsonl' is not complete; write it like"
        " s3://bucket/folder/name.jsonl or file:///folder/name.jsonl.",
    ),
    (
        "export",
        {"metadata_path": "/runs/m.jsonl", "manifest_path": "file:///runs/m.jsonl"},
        "metadata_path and manifest_path are the same address; give each a file of its own.",
    ),
    (
        "export",
        {"metadata_path": "s3://aws@b/m.jsonl", "manifest_path": "s3://b/m.jsonl", "manifest_conn_id": "aws"},
        "metadata_path and manifest_path are the same address; give each a file of its own.",
    ),
    (
        "export",
        {"items": None, "manifest": "s3://b/m.jsonl", "metadata_path": "s3://b/m.jsonl"},
        "metadata_path and manifest are the same address; give each a file of its own.",
    ),
    (
        "export",
        {"metadata_path": "s3://b/m.jsonl", "wait": False},
        "with wait=False nobody writes the metadata of exported files, because none is on the volume yet; drop"
        " metadata_path, or wait=False.",
    ),
    (
        "export",
        {"verify": True, "wait": False},
        "with wait=False nothing can be verified, because no job has ended yet; drop verify, or wait=False.",
    ),
    ("export", {"verify": "true"}, "verify is 'true', of type str; give True or False (it is not templated)."),
    ("export", {"poke_interval": 0}, "poke_interval is 0; give seconds above 0, or a timedelta."),
    ("export", {"timeout": -1}, "timeout is -1; give seconds from 0 on, or a timedelta."),
    (
        "export",
        {"copy_only": "no", "location": "{nam}", "items": [FILE, 7]},
        "3 problems\n"
        "- copy_only is 'no'; give true or false\n"
        "- the location '{nam}' has the unknown field 'nam'; the fields are {name}, {path}, {project},"
        " {id}, {metadata.KEY}; is 'nam' meant to be 'name'?\n"
        "- items: item 2 is 7, of type int, not a string; give the file's id as the platform shows it",
    ),
    (
        "wait",
        {"export_ids": None},
        "export_ids: is None: the upstream task pushed no XCom, or it was skipped; let it return a list"
        " ([] if there is nothing to wait for).",
    ),
    ("wait", {"export_ids": []}, "export_ids is empty; set allow_empty=True if there may be nothing to do."),
    ("wait", {"export_ids": [JOB, 17]}, "export_ids: item 2 is 17, of type int, not a string."),
    ("wait", {"export_ids": {"ids": [JOB]}}, "export_ids: is a mapping with the keys ['ids'], not a list of ids."),
    (
        "wait",
        {"export_ids": "no id/at all"},
        "export_ids: item 2 is 'id/at', which is not an id (letters, digits, '-', '_', '.', ':').",
    ),
    (
        "wait",
        {"export_ids": ["sample.bam"]},
        "export_ids: item 1 is 'sample.bam', which looks like a file's name, and ids are wanted.",
    ),
    (
        "wait",
        {"export_ids": [JOB, "s3://b/a.jsonl"]},
        "export_ids has both the address s3://b/a.jsonl and 'Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo'; give"
        " either addresses of manifests or ids of jobs.",
    ),
    (
        "wait",
        {"export_ids": "s3://bucket/"},
        "export_ids: The path 's3://bucket/' has no file name; write it like s3://bucket/folder/name.jsonl.",
    ),
    (
        "wait",
        {"export_ids": [JOB], "expected_count": 2},
        "export_ids has 1 id, but expected_count is 2: some exports were refused when they were"
        " submitted, or their ids were lost; look at the log of the task that starts them.",
    ),
    (
        "wait",
        {"export_ids": [JOB], "expected_count": 1.5},
        "expected_count is 1.5; give a whole number from 0 on, or leave it out.",
    ),
    ("wait", {"export_ids": [JOB], "poke_interval": 0}, "poke_interval is 0; give seconds above 0, or a timedelta."),
    (
        "wait",
        {"export_ids": [JOB], "poke_interval": NAN},
        "poke_interval is nan; give seconds above 0, or a timedelta.",
    ),
    (
        "wait",
        {"export_ids": [JOB], "poke_interval": "60"},
        "poke_interval is '60'; give seconds above 0, or a timedelta (it is not templated).",
    ),
    (
        "wait",
        {"export_ids": [JOB], "poke_interval": timedelta(0)},
        "poke_interval is datetime.timedelta(0); give seconds above 0, or a timedelta.",
    ),
    ("wait", {"export_ids": [JOB], "timeout": -0.5}, "timeout is -0.5; give seconds from 0 on, or a timedelta."),
    (
        "wait",
        {"export_ids": [JOB], "timeout": "1h"},
        "timeout is '1h'; give seconds from 0 on, or a timedelta (it is not templated).",
    ),
    (
        "wait",
        {"export_ids": [JOB], "fail_fast": "no"},
        "fail_fast is 'no', of type str; give True or False (it is not templated).",
    ),
    (
        "wait",
        {"export_ids": [JOB], "cgc_conn_id": 5},
        "cgc_conn_id is 5; give the id of an Airflow connection, or leave it out for the default.",
    ),
    ("imports", {"import_ids": []}, "import_ids is empty; set allow_empty=True if there may be nothing to do."),
    (
        "imports",
        {"import_ids": ["None"]},
        "import_ids: item 1 is the word 'None', which a template writes for a missing value.",
    ),
    (
        "imports",
        {"import_ids": "s3://bucket/"},
        "import_ids: The path 's3://bucket/' has no file name; write it like s3://bucket/folder/name.jsonl.",
    ),
    (
        "list",
        {"project": "radium"},
        "project is 'radium'; give 'owner/short-name' (as in its web address), or leave it out to take"
        " the connection's.",
    ),
    (
        "list",
        {"project": "https://cgc.sbgenomics.com/u/mcurie/radium/tasks/"},
        "project is 'https://cgc.sbgenomics.com/u/mcurie/radium/tasks/'; give 'mcurie/radium', the part"
        " that counts (as in its web address), or leave it out to take the connection's.",
    ),
    (
        "list",
        {"project": f"https://cgc.sbgenomics.com/u/mcurie/radium/files/?parentId={FILE}"},
        "project is 'https://cgc.sbgenomics.com/u/mcurie/radium/files/?parentId=65a1b2c3d4e5f6071829...', the page of"
        " a folder; give that address as 'folder'.",
    ),
    (
        "list",
        {"project": 7},
        "project is 7; give 'owner/short-name' (as in its web address), or leave it out to take the connection's.",
    ),
    ("list", {"folder": "raw//2026"}, "folder is 'raw//2026', where a name is empty; write it like 'raw/2026'."),
    ("list", {"folder": ""}, "folder is ''; give a folder's id, or its path such as 'raw/2026', or leave it out."),
    (
        "list",
        {"folder": "https://cgc.sbgenomics.com/u/mcurie/radium/files/"},
        "folder is 'https://cgc.sbgenomics.com/u/mcurie/radium/files/', an address that is not of one folder; give a"
        " folder's id, or its path such as 'raw/2026', or the address of a whole project as 'project'.",
    ),
    (
        "list",
        {"exclude": ["*.bai", "old/*"]},
        "exclude is 'old/*', and it is compared with a file's own name, without its folders; drop the folders, or leave"
        " out by 'path' in a task of your own (airflow_provider_cgc.manifests.read_items gives it the items).",
    ),
    ("list", {"exportable": "yes"}, "exportable is 'yes', of type str; give True or False (it is not templated)."),
    (
        "list",
        {"secondary_files": "bai"},
        "secondary_files is 'bai', of type str; give True or False (it is not templated).",
    ),
    ("volume", {"volume": "out"}, "volume is 'out'; give 'owner/name'."),
    ("volume", {"volume": None}, "volume is None; give 'owner/name'."),
    (
        "volume",
        {"volume": "https://cgc.sbgenomics.com/v/mcurie/out/raw/"},
        "volume is 'https://cgc.sbgenomics.com/v/mcurie/out/raw/'; give 'mcurie/out', the part that counts.",
    ),
    (
        "volume",
        {"prefix": "/raw/2026"},
        "prefix is '/raw/2026', and no key starts with a slash; write it as 'raw/2026'.",
    ),
    (
        "volume",
        {"prefix": "/"},
        "prefix is '/', and no key starts with a slash; leave it out to list the whole volume.",
    ),
    (
        "volume",
        {"prefix": "s3://bucket/raw/"},
        "prefix is 's3://bucket/raw/', a whole address; give only what comes after the bucket and, if the volume has"
        " one, after its own prefix: 'raw/', or the end of it.",
    ),
    (
        "volume",
        {"prefix": "gs://bucket"},
        "prefix is 'gs://bucket', a whole address; give only what comes after the bucket and, if the volume has one,"
        " after its own prefix.",
    ),
    (
        "volume",
        {"prefix": "None"},
        "prefix is 'None'; give a folder of the volume such as 'batch1/', or leave it out for the whole volume.",
    ),
    (
        "volume",
        {"name": "raw/*.bam"},
        "name is 'raw/*.bam', and it is compared with an object's own name, the part after the last slash; give the"
        " folders by 'prefix'.",
    ),
    (
        "volume",
        {"expected_count": 5000},
        "expected_count is 5000; more than 1000 objects are too many for an XCom, so set manifest_path,"
        " such as 's3://bucket/{{ run_id }}.jsonl', or narrow the filters.",
    ),
    ("list", {"name": []}, "name is an empty list, which no file can match; leave it out to match every file."),
    (
        "list",
        {"name": ""},
        "name is '': a template rendered to nothing; correct it, or leave name out to match every file.",
    ),
    ("list", {"name": 7}, "name is 7, of type int; give text or a list of it."),
    ("list", {"tag": ["a", None]}, "tag is None, of type NoneType; give text."),
    ("list", {"metadata": {}}, "metadata is {}, which asks for nothing; leave it out to match every file."),
    (
        "list",
        {"metadata": "sample_id=S1"},
        "metadata is 'sample_id=S1', which is neither JSON nor a Python dict; give one such as {'sample_id': 'S1'}.",
    ),
    ("list", {"metadata": {"sample_id": None}}, "metadata 'sample_id' is None, of type NoneType; give text."),
    ("list", {"origin_task": 7}, "origin_task is 7, of type int; give text."),
    ("list", {"min_size": "5GB"}, "min_size is '5GB'; give the number of bytes, which is 5000000000."),
    ("list", {"max_size": "1.5 GiB"}, "max_size is '1.5 GiB'; give the number of bytes, which is 1610612736."),
    ("list", {"min_size": -1}, "min_size is -1; give a whole number from 0 on, or leave it out."),
    (
        "list",
        {"min_size": 5, "max_size": 1},
        "min_size is 5 and max_size 1, which no file can be; correct one of them.",
    ),
    ("list", {"modified_after": "yesterday"}, "modified_after is 'yesterday'; write it like 2026-01-31T12:00:00Z."),
    (
        "list",
        {"modified_after": 20260131},
        "modified_after is 20260131, of type int; give a datetime, or text like 2026-01-31T12:00:00Z.",
    ),
    ("list", {"expected_count": "all"}, "expected_count is 'all'; give a whole number from 0 on, or leave it out."),
    (
        "list",
        {"expected_count": 5000},
        "expected_count is 5000; more than 1000 files are too many for an XCom, so set manifest_path,"
        " such as 's3://bucket/{{ run_id }}.jsonl', or narrow the filters.",
    ),
    (
        "list",
        {"manifest_path": "files.jsonl"},
        "manifest_path: The path 'files.jsonl' is not complete; write it like"
        " s3://bucket/folder/name.jsonl or file:///folder/name.jsonl.",
    ),
    (
        "list",
        {"manifest_path": "s3://bucket/files.csv"},
        "manifest_path is 's3://bucket/files.csv'; let it end in .jsonl, because the manifest is JSON Lines.",
    ),
    (
        "list",
        {"manifest_path": "s3://bucket"},
        "manifest_path is 's3://bucket'; let it end in .jsonl, because the manifest is JSON Lines.",
    ),
    ("list", {"manifest_conn_id": "aws"}, "manifest_conn_id is given without manifest_path; give both, or neither."),
    ("list", {"recursive": "no"}, "recursive is 'no', of type str; give True or False (it is not templated)."),
    ("list", {"allow_empty": 1}, "allow_empty is 1, of type int; give True or False (it is not templated)."),
    (
        "list",
        {"cgc_conn_id": " "},
        "cgc_conn_id is ' '; give the id of an Airflow connection, or leave it out for the default.",
    ),
]

"""Problems that are known before anything is sent, each fact both ways; and that asking costs few requests."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from airflow_provider_cgc.client.errors import (
    CgcForbidden,
    CgcNotFound,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.problem import REMEDIES, BulkRecord, Problem
from airflow_provider_cgc.client.models import File, Volume
from airflow_provider_cgc.client.models.account import Project
from airflow_provider_cgc.jobs.exports.facts import Facts, ask
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.problems import (
    LARGEST,
    common_problems,
    report,
    sentences,
    unfit_item,
    unfit_items,
)

A, B, C = (f"65a1b2c3d4e5f60718293a4{digit}" for digit in "abc")
PROJECT = "mcurie/radium"
OUT = "mcurie/radium_out"
HOME = "aws:us-east-1"
UNKNOWN = Problem(404, 5002, "Requested file does not exist.")
UNDECIDED = Problem(None, None, "not told apart from unknown ids yet", made_here=True, undecided=True)


def a_file(file_id=A, name="a.bam", **more):
    return File(**{"id": file_id, "name": name, "size": 1000, "project": PROJECT, "storage_type": "PLATFORM"} | more)


def an_alias(file_id=A, volume=OUT, location="run7/a.bam"):
    return a_file(file_id, storage_type="VOLUME", volume=volume, location=location)


def a_volume(volume_id=OUT, **service):
    service = {"type": "s3", "bucket": "radium", "endpoint": "s3.amazonaws.com"} | service
    return Volume.from_json({"id": volume_id, "access_mode": "RW", "active": True, "service": service})


def an_item(file_id=A, number=1, **more):
    return ExportItem(**{"file": file_id, "volume": OUT, "location": "run7/a.bam", "line": f"item {number}"} | more)


def facts(*files, volumes=None, location=HOME, **more):
    volumes = [a_volume()] if volumes is None else volumes
    return Facts(
        **{
            "files": {file.id: file for file in files},
            "refused": {},
            "volumes": {volume.id: volume for volume in volumes},
            "refused_volumes": {},
            "locations": dict.fromkeys({file.project for file in files if file.project}, location),
        }
        | more
    )


def only(found):
    assert len(found) == 1, found
    return found[0]


def problems(items, known):
    """Return all that is told of an order when it is refused."""
    return [*common_problems(items, known), *sentences(unfit_items(items, known))]


class TestItems:
    def test_stored_file_is_fine(self):
        """A file that the platform stores itself is no problem."""
        assert problems([an_item()], facts(a_file())) == []

    def test_untold_storage_is_fine(self):
        assert problems([an_item()], facts(a_file(storage_type=None))) == []

    def test_unknown_file_is_named(self):
        """An unknown file is named with the platform's word and the remedy."""
        text = only(problems([an_item(name="a.bam")], facts(refused={A: UNKNOWN})))

        assert text.startswith(f"item 1: file {A} ('a.bam'): 5002: Requested file does not exist. ")
        assert text.endswith(REMEDIES[5002].text)

    def test_foreign_file_says_whom(self):
        """A file of another user says who can help."""
        text = only(problems([an_item()], facts(refused={A: Problem(403, 5001, "No access.")})))

        assert REMEDIES[5001].text in text

    def test_unsure_is_not_unknown(self):
        """A file that was not told for certain is not called unknown."""
        text = only(problems([an_item()], facts(refused={A: UNDECIDED})))

        assert "does not exist" not in text
        assert text.endswith("Try again later.")

    def test_unasked_file_is_our_bug(self):
        with pytest.raises(KeyError):
            problems([an_item()], facts())

    def test_folder_has_an_operator(self):
        """A folder is named with the operator that lists its files."""
        text = only(problems([an_item()], facts(a_file(name="old", type="folder", size=None, storage_type=None))))

        assert text == (
            f"item 1: file {A} ('old'): It is a folder, and only files are exported; CgcListFilesOperator lists a"
            " folder's files."
        )

    def test_causes_by_size(self):
        """Each cause is one sentence, the largest first."""
        ids = [f"{number:024x}" for number in range(14)]
        files = [a_file(file_id, f"folder{file_id[-1]}", type="folder") for file_id in ids[1:13]]
        items = [an_item(file_id, number) for number, file_id in enumerate(ids)]

        found = problems(items, facts(*files, refused={ids[0]: UNKNOWN, ids[13]: UNKNOWN}))

        assert [text.split(":")[0] for text in found] == ["12 items", "2 items"]
        assert found[0].startswith("12 items: It is a folder, and only files are exported")
        assert f" They are item 1: file {ids[1]} ('folder1'); item 2: " in found[0]
        assert found[0].endswith("; 2 more.")
        assert found[1].endswith(f" They are item 0: file {ids[0]}; item 13: file {ids[13]}.")

    def test_items_keep_their_order(self):
        folder, gone = Problem(None, None, "It is a folder."), Problem(404, 5002, "Gone.")
        unfit = [unfit_item(an_item(A, number), why, None) for number, why in ((11, folder), (2, gone), (3, folder))]

        first, second = sentences(unfit)

        assert first.index("item 3") < first.index("item 11")
        assert second.startswith("item 2: ")

    def test_aliases_share_a_sentence(self):
        places = {f"{number:024x}": f"raw/{number}.bam" for number in range(3)}
        files = [an_alias(file_id, location=place) for file_id, place in places.items()]

        text = only(problems([an_item(one, number) for number, one in enumerate(places)], facts(*files)))

        assert text.startswith("3 items: 9006: It is an alias: its bytes are on volume ... at ... already. ")
        assert text.count(REMEDIES[9006].text) == 1

    def test_alias_names_its_bytes(self):
        """An alias is named with the place of its bytes."""
        text = only(problems([an_item()], facts(an_alias(volume="mcurie/in", location="raw/a.bam"))))

        assert f"item 1: file {A} ('a.bam'): 9006: It is an alias" in text
        assert "on volume mcurie/in at 'raw/a.bam' already" in text
        assert 'aliases="skip"' in text

    def test_placeless_alias_is_one(self):
        """An alias that does not tell where it is still is one."""
        assert "its bytes are on a volume already" in only(
            problems([an_item()], facts(an_alias(volume=None, location=None)))
        )

    @pytest.mark.parametrize(
        ("item", "file", "there"),
        [
            (an_item(), an_alias(), True),
            (an_item(location="run8/a.bam"), an_alias(), False),
            (an_item(volume="mcurie/other"), an_alias(), False),
            (an_item(), a_file(volume=OUT, location="run7/a.bam"), False),
            (an_item(volume=None, location=None), an_alias(volume=None, location=None), False),
            (an_item(location=None), an_alias(location=None), False),
        ],
        ids=["the same", "other key", "other volume", "no alias", "nothing told", "no key told"],
    )
    def test_wanted_alias_is_there(self, item, file, there):
        """Only an alias of the wanted object is there already."""
        assert file.is_alias_of(item.volume, item.location) is there

    def test_wanted_alias_is_fine(self):
        assert problems([an_item()], facts(an_alias())) == []

    @pytest.mark.parametrize(("size", "number"), [(LARGEST, 0), (LARGEST + 1, 1), (0, 0), (None, 0)])
    def test_too_large_is_refused(self, size, number):
        """A file larger than an object can be is refused."""
        found = problems([an_item()], facts(a_file(size=size)))

        assert len(found) == number
        assert all("5.5 TB" in text and str(LARGEST) in text and "split the file" in text for text in found)

    def test_platforms_size_counts(self):
        """The platform's size counts more than the item's."""
        assert problems([an_item(size=LARGEST + 1)], facts(a_file(size=1))) == []
        assert problems([an_item(size=LARGEST + 1)], facts(a_file(size=None))) != []

    def test_problems_keep_the_order(self):
        items = [an_item(B, 1), an_item(A, 2, location="x"), an_item(C, 3)]

        found = problems(items, facts(an_alias(), a_file(C, size=LARGEST + 1), refused={B: UNKNOWN}))

        assert [text.split(":")[0] for text in found] == ["item 1", "item 2", "item 3"]

    def test_name_forges_no_line(self):
        text = only(problems([an_item()], facts(an_alias(volume="a/b\nFAKE", location="x\ny"))))

        assert "\n" not in text

    def test_item_without_a_line(self):
        """An item without a line is named by its file."""
        assert only(problems([an_item(line="")], facts(refused={A: UNKNOWN}))).startswith(f"file {A}:")


class TestVolumes:
    def test_quiet_volume_is_fine(self):
        """A volume that tells neither mode nor activity is no problem."""
        assert problems([an_item()], facts(a_file(), volumes=[Volume(OUT)])) == []

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"active": False}, f"{OUT}, where 2 items go: 9069: {REMEDIES[9069].text}"),
            ({"access_mode": "RO"}, f"{OUT}, where 2 items go, has the access mode 'RO': 9026: {REMEDIES[9026].text}"),
        ],
    )
    def test_closed_volume_once(self, change, words):
        """A volume that takes nothing is named once for all its items."""
        volume = replace(a_volume(), **change)
        items = [an_item(A), an_item(B, location="b")]

        assert only(problems(items, facts(a_file(), a_file(B), volumes=[volume]))) == f"volume {words}"

    def test_both_faults_are_said(self):
        volume = replace(a_volume(), active=False, access_mode="RO")

        assert len(problems([an_item()], facts(a_file(), volumes=[volume]))) == 2

    def test_unseen_volume_is_named(self):
        """A volume that this user does not see is named with the remedy."""
        refusal = Problem(404, 9007, "Requested volume does not exist.")
        text = only(problems([an_item()], facts(a_file(), volumes=[], refused_volumes={OUT: refusal})))

        assert text == f"volume {OUT}, where 1 item goes: 9007: Requested volume does not exist. {REMEDIES[9007].text}"

    def test_odd_code_has_a_remedy(self):
        """A refused volume whose code is unheard of gets a remedy all the same."""
        refusal = Problem(404, 4711, "No.")

        assert REMEDIES[9007].text in only(
            problems([an_item()], facts(a_file(), volumes=[], refused_volumes={OUT: refusal}))
        )

    def test_idle_volume_may_close(self):
        """A volume where nothing is left to send may be closed."""
        volume = replace(a_volume(), active=False, access_mode="RO")

        assert problems([an_item()], facts(an_alias(), volumes=[volume])) == []

    def test_unasked_volume_is_ours(self):
        """A volume that nobody asked for is a mistake of ours."""
        with pytest.raises(KeyError):
            problems([an_item()], facts(a_file(), volumes=[]))

    def test_no_volume_yet(self):
        """An item that has no volume yet gets the rules of files only."""
        assert problems([an_item(volume=None)], facts(a_file(), volumes=[])) == []
        assert problems([an_item(volume=None)], facts(an_alias(), volumes=[])) != []


def apart(location, **service):
    """Tell if a project and a volume are said to be apart."""
    found = problems([an_item()], facts(a_file(), volumes=[a_volume(**service)], location=location))
    assert all(text.startswith(f"project {PROJECT} is in ") and REMEDIES[9027].text in text for text in found)
    return bool(found)


class TestPlaces:
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
    def test_two_regions_are_apart(self, location, service):
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
    def test_two_clouds_are_apart(self, location, service):
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
    def test_same_place_is_fine(self, location, service):
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
    def test_untold_place_is_fine(self, location, service):
        """A place that is not told, or not understood, is no problem."""
        assert not apart(location, **service)

    def test_both_places_are_named(self):
        """The sentence names both places and the number of items."""
        volume = a_volume(endpoint="s3.eu-central-1.amazonaws.com")
        items = [an_item(A), an_item(B, location="b")]

        text = only(problems(items, facts(a_file(), a_file(B), volumes=[volume])))

        assert text == (
            f"project {PROJECT} is in 'aws:us-east-1', and volume {OUT}, where 2 items of it go, is in 'eu-central-1':"
            f" 9027: {REMEDIES[9027].text}"
        )

    def test_cloud_by_volume_type(self):
        text = only(problems([an_item()], facts(a_file(), volumes=[a_volume(type="GCS", endpoint=None)])))

        assert "where 1 item of it goes, is of type 'gcs': 9027" in text

    def test_projects_meet_volumes(self):
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

    def test_no_project_is_fine(self):
        assert problems([an_item()], facts(a_file(project=None), volumes=[a_volume(region="eu-west-1")])) == []


def test_volumes_places_items():
    """Volumes come first, then places, then items."""
    volume = replace(a_volume(region="eu-west-1"), active=False)
    items = [an_item(B, 1), an_item(A, 2)]

    found = problems(items, facts(a_file(), volumes=[volume], refused={B: UNKNOWN}))

    assert [text.split(" ")[0] for text in found] == ["volume", "project", "item"]


def test_many_on_a_closed_volume():
    """Ten thousand items on a closed volume are one problem."""
    ids = [f"{number:024x}" for number in range(10_000)]
    files = [a_file(file_id) for file_id in ids]
    items = [an_item(file_id, number, location=file_id) for number, file_id in enumerate(ids)]

    text = only(problems(items, facts(*files, volumes=[replace(a_volume(), active=False)])))

    assert "where 10000 items go" in text


class Platform:
    """Answers as the client does, and counts what it is asked; what is an error is raised."""

    def __init__(self, files=(), volumes=(), projects=(), answers=None):
        self.known = {file.id: file for file in files}
        self.things = {thing.id: thing for thing in (*volumes, *projects)}
        self.answers = answers or {}
        self.asked = Counter()
        self.bulk = []
        self.lock = threading.Lock()
        self.files = SimpleNamespace(bulk_get=self.bulk_get)
        self.volumes = SimpleNamespace(get=self.get)
        self.projects = SimpleNamespace(get=self.get)

    def get(self, name):
        with self.lock:
            self.asked[name] += 1
        if name in self.answers:
            raise self.answers[name]
        return self.things[name]

    def bulk_get(self, ids):
        with self.lock:
            self.bulk.append(list(ids))
            return [self.record(file_id) for file_id in ids]

    def record(self, file_id):
        answer = self.answers.get(file_id, UNKNOWN)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, File) or file_id in self.known:
            return BulkRecord(file_id, self.known.get(file_id, answer))
        return BulkRecord(file_id, None, answer)


def refusal(kind, status, code):
    return kind(Problem(status, code, "No."), status=status, call="GET /thing")


class TestAsk:
    def test_things_are_asked_once(self):
        """Each thing is asked for once, and files a hundred at a time."""
        ids = [f"{number:024x}" for number in range(250)]
        platform = Platform(
            [a_file(file_id) for file_id in ids], [a_volume(), a_volume("mcurie/two")], [Project(PROJECT, "", HOME)]
        )
        items = [ExportItem(file_id) for file_id in ids * 2] + [ExportItem(ids[0], volume="mcurie/two")]

        found = ask(platform, items, [OUT, OUT])

        assert sorted(map(len, platform.bulk)) == [50, 100, 100]
        assert sorted(file_id for call in platform.bulk for file_id in call) == ids
        assert platform.asked == {OUT: 1, "mcurie/two": 1, PROJECT: 1}
        assert set(found.files) == set(ids)
        assert set(found.volumes) == {OUT, "mcurie/two"}
        assert found.locations == {PROJECT: HOME}
        assert found.refused == found.refused_volumes == {}

    def test_ten_thousand_cost_102(self):
        """Ten thousand files cost a hundred and two requests."""
        ids = [f"{number:024x}" for number in range(10_000)]
        platform = Platform([a_file(file_id) for file_id in ids], [a_volume()], [Project(PROJECT, "", HOME)])

        found = ask(platform, [an_item(file_id, location=file_id) for file_id in ids], [OUT])

        assert len(platform.bulk) + platform.asked.total() == 102
        assert len(found.files) == 10_000

    def test_requests_run_together(self):
        ids = [f"{number:024x}" for number in range(200)]
        platform = Platform(answers=dict.fromkeys(ids, UNKNOWN))
        both = threading.Barrier(2, timeout=10)
        bulk_get = platform.files.bulk_get
        platform.files.bulk_get = lambda group: both.wait() >= 0 and bulk_get(group)

        assert len(ask(platform, [ExportItem(file_id) for file_id in ids], [], threads=2).refused) == 200

    def test_nothing_asks_nothing(self):
        platform = Platform()

        assert ask(platform, [], []) == Facts({}, {}, {}, {}, {})
        assert platform.bulk == []

    @pytest.mark.parametrize(("kind", "status", "code"), [(CgcForbidden, 403, 9020), (CgcNotFound, 404, 9007)])
    def test_unseen_volume_is_a_fact(self, kind, status, code):
        platform = Platform([a_file()], [], [Project(PROJECT)], {OUT: refusal(kind, status, code)})

        found = ask(platform, [ExportItem(A)], [OUT])

        assert found.refused_volumes[OUT].code == code
        assert found.volumes == {}

    def test_odd_volume_is_a_fact(self):
        error = CgcUsageError("the volume id must read 'owner/name', not 'out'")
        found = ask(Platform(answers={"out": error}), [], ["out"])

        text = only(problems([an_item(volume="out")], replace(found, files={A: a_file()})))

        assert "must read 'owner/name'" in text
        assert REMEDIES[9007].text in text

    @pytest.mark.parametrize(("kind", "status", "code"), [(CgcForbidden, 403, 3001), (CgcNotFound, 404, 3002)])
    def test_unseen_project_is_blank(self, kind, status, code):
        """A project that this user does not see tells no location."""
        platform = Platform([a_file()], [a_volume()], [], {PROJECT: refusal(kind, status, code)})

        assert ask(platform, [ExportItem(A)], [OUT]).locations == {PROJECT: None}

    def test_odd_project_is_blank(self):
        """A project id that no path can hold tells no location."""
        platform = Platform([a_file(project="radium")], answers={"radium": CgcUsageError("must read 'owner/name'")})

        assert ask(platform, [ExportItem(A)], []).locations == {"radium": None}

    @pytest.mark.parametrize("thing", [OUT, PROJECT])
    @pytest.mark.parametrize(
        ("kind", "status", "code"),
        [
            (CgcUnauthorized, 401, 90001),
            (CgcUnavailable, 503, 90005),
            (CgcNotFound, 404, None),
            (CgcForbidden, 403, None),
        ],
    )
    def test_whole_trouble_is_raised(self, thing, kind, status, code):
        error = refusal(kind, status, code)
        platform = Platform([a_file()], [a_volume()], [Project(PROJECT)], {thing: error})

        with pytest.raises(kind) as raised:
            ask(platform, [ExportItem(A)], [OUT])

        assert raised.value is error

    def test_first_error_ends_it(self):
        """The first error ends the asking and waits for no other request."""
        ids = [f"{number:024x}" for number in range(1000)]
        platform = Platform(answers={ids[0]: refusal(CgcUnauthorized, 401, 90001)})
        given_up = threading.Event()
        bulk_get = platform.files.bulk_get
        platform.files.bulk_get = lambda group: (group[0] == ids[0] or given_up.wait(10)) and bulk_get(group)

        with pytest.raises(CgcUnauthorized):
            ask(platform, [ExportItem(file_id) for file_id in ids], [], threads=2)

        assert len(platform.bulk) == 1
        given_up.set()

    def test_refused_file_is_kept(self):
        """A refused file is kept with its reason and not asked again."""
        platform = Platform([a_file()], [], [Project(PROJECT)], {B: UNKNOWN})

        found = ask(platform, [ExportItem(A), ExportItem(B)], [])

        assert found.refused == {B: UNKNOWN}
        assert len(platform.bulk) == 1

    @pytest.mark.parametrize("first", [UNDECIDED, Problem(503, 5000, "Busy.")])
    @pytest.mark.parametrize("then", [a_file(B), UNKNOWN])
    def test_untold_is_asked_alone(self, first, then):
        platform = Platform([a_file()], [], [Project(PROJECT)], {B: [first, then]})

        found = ask(platform, [ExportItem(A), ExportItem(B)], [])

        assert platform.bulk == [[A, B], [B]]
        assert found.files.get(B, found.refused.get(B)) == then
        assert (B in found.files) != (B in found.refused)

    def test_never_told_may_pass(self):
        """Files that are never told are trouble that may pass, and not a fact."""
        platform = Platform([a_file()], [], [Project(PROJECT)], {B: UNDECIDED})

        with pytest.raises(CgcUnreadableError, match=f"about 1 file are unclear, such as {B}.*try again later"):
            ask(platform, [ExportItem(A), ExportItem(B)], [])

        assert len(platform.bulk) == 4

    def test_undecided_beside_unknown(self):
        """Beside a file that is certainly unknown, the undecided ones are facts to report."""
        platform = Platform(answers={A: UNKNOWN, B: UNDECIDED})

        assert ask(platform, [ExportItem(A), ExportItem(B)], []).refused == {A: UNKNOWN, B: UNDECIDED}


class TestReport:
    def test_report_tells_all(self):
        """A dry run tells the files, where from and where to."""
        files = [a_file(size=3_000_000), a_file(B, "b.bam", size=2_000_000_000), a_file(C, "c.bam", size=5)]
        volume = a_volume(endpoint="s3.us-east-1.amazonaws.com")
        items = [an_item(A), an_item(B, location="run8/b.bam"), an_item(C, location="run7/c.bam")]

        lines = report(items, facts(*files, volumes=[volume]))

        assert lines == [
            "3 files: 2.0 GB.",
            f"From {PROJECT} (aws:us-east-1).",
            f"To {OUT} (us-east-1).",
            "Distinct folders there: 2.",
            f"Largest: file {B} ('b.bam'), 2.0 GB.",
        ]

    def test_untold_is_said_to_be(self):
        lines = report([an_item()], facts(a_file(size=None), location=None))

        assert lines == [
            "1 file: 0 B, 1 of unknown size.",
            f"From {PROJECT} (region unknown).",
            f"To {OUT} (region unknown).",
            "Distinct folders there: 1.",
        ]

    def test_two_places_one_file(self):
        """One file to two places counts once as a file and twice in bytes."""
        lines = report([an_item(), an_item(location="b")], facts(a_file(size=1000)))

        assert lines[0] == "1 file, in 2 items: 2.0 kB."

    def test_two_volumes_two_folders(self):
        """The same folder on two volumes is two folders."""
        items = [an_item(), an_item(volume="mcurie/two")]

        assert "Distinct folders there: 2." in report(items, facts(a_file()))

    def test_items_size_counts(self):
        assert report([an_item(size=7)], facts(a_file(size=None)))[0] == "1 file: 7 B."

    def test_many_volumes_are_cut(self):
        items = [an_item(volume=f"mcurie/v{number:02}") for number in range(13)]

        lines = report(items, facts(a_file()))

        assert lines[2].endswith("mcurie/v09 (region unknown), 3 more.")

    def test_no_items_have_a_report(self):
        assert report([], facts()) == ["0 files: 0 B."]

"""Our links, as Airflow's own look-up finds them while a task is deferred and after its end."""

from __future__ import annotations

import functools

DAG_FILE = '''
from airflow.providers.common.compat.sdk import DAG
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow_provider_cgc import compat
from airflow_provider_cgc.links import CgcProjectLink, CgcTaskLink, CgcVolumeLink, links_of, push_links

WEB = "https://cgc.sbgenomics.com"
seen = {}


class Moment(BaseTrigger):
    """Fires at once, after it has looked at the links as the web server does."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def serialize(self):
        return f"{type(self).__module__}.{type(self).__qualname__}", {"address": self.address}

    async def run(self):
        _, seen[self.address["map_index"]] = look_up(**self.address)
        yield TriggerEvent({})


class Waits(compat.BaseOperator):
    operator_extra_links = (CgcProjectLink(), CgcVolumeLink(), CgcTaskLink())

    def __init__(self, *, project, **kwargs):
        super().__init__(**kwargs)
        self.project = project

    def execute(self, context):
        address = compat.view_address(context["ti"])
        links = links_of(WEB, project=self.project, volume="v/out")
        assert push_links(address, links, own=self.operator_extra_links, warn=self.log.warning)
        self.defer(trigger=Moment(address), method_name="resume")

    def resume(self, context, event):
        if self.project == "a/bad":
            raise compat.AirflowFailException("as planned")


with DAG(dag_id="extra_links", schedule=None) as dag:
    Waits.partial(task_id="mapped").expand(project=["a/good", "a/bad"])
    Waits(task_id="single", project="a/single")
'''


def look_up(stored, *, dag_id, task_id, run_id, map_index):
    """Give the state of a task and its links, found by Airflow from the Dag as it is stored."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    one = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, "map_index": map_index}
    with create_session() as session:
        ti = session.query(TaskInstance).filter_by(**one).one()
        task = stored.get_task(task_id)
        return str(ti.state), {name: task.get_extra_links(ti, name) for name in task.extra_links}


def as_stored(dag):
    from airflow.serialization import serialized_objects

    serialization = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    return serialization.from_dict(serialization.to_dict(dag))


def links(project):
    return {
        "Project on the platform": f"https://cgc.sbgenomics.com/u/{project}",
        "Task on the platform": "",
        "Volume on the platform": "https://cgc.sbgenomics.com/v/v/out",
    }


def test_links_at_any_time(load_dags):
    """Links are there while a task is deferred and after its success or failure."""
    module = load_dags("extra_links", DAG_FILE)
    module.look_up = functools.partial(look_up, as_stored(module.dag))

    run = module.dag.test()

    after = functools.partial(module.look_up, dag_id="extra_links", run_id=run.run_id)
    while_deferred = [module.seen[index] for index in (0, 1, -1)]
    assert while_deferred == [links("a/good"), links("a/bad"), links("a/single")]
    assert after(task_id="mapped", map_index=0) == ("success", links("a/good"))
    assert after(task_id="mapped", map_index=1) == ("failed", links("a/bad"))
    assert after(task_id="single", map_index=-1) == ("success", links("a/single"))

"""Start exports by hand, with the client that a connection gives."""

# [START hook]
from airflow_provider_cgc.hooks.cgc import CgcHook

cgc = CgcHook("cgc_default").get_conn()

files = list(cgc.files.walk("demo-lab/cptac3"))  # a generator: pages are fetched while you read
items = [{"file": file.id, "volume": "demo-lab/results", "location": f"{file.id}/{file.name}"} for file in files[:3]]
for record in cgc.exports.bulk_create(items, copy_only=True):
    if record.error:  # refused: the platform's code, message and a remedy
        print(record.error, record.error.remedy)
    else:  # started
        print(record.id, record.resource.state, record.resource.location)
# [END hook]

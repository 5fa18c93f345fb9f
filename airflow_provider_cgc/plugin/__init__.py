"""The "CGC jobs" tab of a task instance in Airflow's UI: its registration, and the one file that is served for it.

`cgc_jobs.js` shows the XCom `cgc_jobs`, which it reads through Airflow's own REST API as the user who looks at it.
"""

"""Where the embedded cloud is more lenient than AWS, it becomes as strict while a named setting is on.

`tools/cloud/run_ministack.py` calls the `install` of each module here, in the server's own Python. That has MiniStack
and no code of ours but this folder's. So these modules import each other relatively, and nothing else of the project.

The settings are off at the start. `STRICT="mail_sandbox lambda_concurrency=10" make up` switches some on, and so does
`PUT /_cartwright/strictness` at any time, with a JSON object of names and numbers. `settings.py` describes
each. A module without a setting is always on.
"""

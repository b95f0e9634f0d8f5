"""Jobs on the deployed stack, as an admin asks for them and follows them."""

from typing import Any
from uuid import uuid4

import requests

from tools.shop.client import Customer, Shop
from tools.waiting import wait_for

FINAL = {"succeeded", "failed", "cancelled"}


class Jobs:
    """The API of jobs, as an admin uses it."""

    def __init__(self, shop: Shop, admin: Customer) -> None:
        self._shop = shop
        self._token = admin.token

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        """The answer to a request."""
        return self._shop.request(method, path, token=self._token, **request)

    def ask(self, body: dict[str, Any], key: str | None = None) -> requests.Response:
        """Asks for a job; a fresh idempotency key unless one is given."""
        return self.call("POST", "/jobs", json=body, headers={"Idempotency-Key": key or str(uuid4())})

    def upload(self, data: str) -> str:
        """Sends a file by a form; its id."""
        form = self.call("POST", "/jobs/uploads").json()
        sent = requests.post(form["url"], data=form["fields"], files={"file": data.encode()}, timeout=60)
        assert sent.status_code == 204, sent.text
        return str(form["upload"])

    def read(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        job: dict[str, Any] = self.call("GET", f"/jobs/{job_id}").json()
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job once it has ended; raises NotInTime."""

        def final() -> dict[str, Any] | None:
            job = self.read(job_id)
            return job if job["status"] in FINAL else None

        return wait_for(final, f"the end of {job_id}", seconds=180)

"""python-gitlab making every kind of call that a rollout makes, against a double of GitLab.

    python gitlab_client.py URL TOKEN PROJECT MERGE_REQUEST SHA

The client is by others and follows GitLab's documentation: the double that takes these calls, and sees the same ones
from ecsdeploy, is not alone with its idea of GitLab. Exits 1 if a call does not work.
"""

import sys

import gitlab


def main(url, token, project, number, sha):
    client = gitlab.Gitlab(url, private_token=token)
    client.auth()
    project = client.projects.get(int(project), lazy=True)
    request = project.mergerequests.get(int(number), lazy=True)
    commit = project.commits.get(sha, lazy=True)

    note = request.notes.create({"body": "one"})
    note.body = "two"
    note.save()
    notes = request.notes.list(sort="asc", order_by="created_at", per_page=100, page=1)
    assert [note.body for note in notes if note.author["id"] == client.user.id] == ["two"]
    assert [found["iid"] for found in commit.merge_requests()]

    commit.statuses.create({"state": "running", "name": "x", "description": "y", "target_url": "https://x.example"})
    deployment = project.deployments.create(
        {"environment": "production", "sha": sha, "ref": "main", "tag": False, "status": "running"}
    )
    assert project.deployments.list(environment="production", order_by="id", sort="desc", per_page=1, page=1)
    deployment.status = "success"
    deployment.save()
    environment = project.environments.get(deployment.environment["id"], lazy=True)
    environment.external_url = "https://shop.example"
    environment.save()

    request.resourcelabelevents.list(per_page=100, page=1)
    assert project.members_all.get(int(notes[0].author["id"])).access_level >= 30


if __name__ == "__main__":
    main(*sys.argv[1:])

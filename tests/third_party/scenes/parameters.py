"""SSM parameters: values, versions, and the atomic create that locks are made of."""

from .common import fails

WORLD = None


def play(_, clients, __):
    ssm = clients.ssm
    ssm.put_parameter(Name="/lock/web", Value="run-1", Type="String", Overwrite=False)
    again = {"Name": "/lock/web", "Value": "run-2", "Type": "String", "Overwrite": False}
    fails("ParameterAlreadyExists", ssm.put_parameter, **again)
    assert ssm.put_parameter(**again | {"Overwrite": True})["Version"] == 2
    tags = [{"Key": "a", "Value": "b"}]
    ssm.put_parameter(Name="/lock/api", Value="secret", Type="SecureString", Tags=tags)
    ssm.put_parameter(Name="/lock/list", Value="a,b", Type="StringList", Description="two", Tier="Standard")
    assert ssm.get_parameter(Name="/lock/web")["Parameter"]["Value"] == "run-2"
    ssm.get_parameter(Name="/lock/web:1")
    ssm.get_parameter(Name="/lock/api", WithDecryption=True)
    assert ssm.get_parameters(Names=["/lock/web", "/no"])["InvalidParameters"] == ["/no"]
    assert len(ssm.get_parameters_by_path(Path="/lock", Recursive=True)["Parameters"]) == 3
    ssm.get_parameter_history(Name="/lock/web")
    ssm.describe_parameters()
    resource = {"ResourceType": "Parameter", "ResourceId": "/lock/web"}
    ssm.add_tags_to_resource(**resource, Tags=tags)
    assert ssm.list_tags_for_resource(**resource)["TagList"] == tags
    ssm.remove_tags_from_resource(**resource, TagKeys=["a"])
    ssm.delete_parameter(Name="/lock/web")
    fails("ParameterNotFound", ssm.get_parameter, Name="/lock/web")
    fails("ParameterNotFound", ssm.delete_parameter, Name="/lock/web")
    ssm.delete_parameters(Names=["/lock/api", "/lock/list", "/no"])

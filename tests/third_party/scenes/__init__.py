"""Scenes: worlds, and what boto3 asks of them. A scene calls an operation only if the sandbox models it."""

from . import alarms, capacity, code_deploy, native, parameters, routing, task_sets, web

ALL = (web, routing, capacity, parameters, alarms, task_sets, native, code_deploy)

"""A whole life with SkyPilot's own provisioner: search and rent, running, list, stop, start, destroy."""

import json

from sky.provision import common
from sky.provision.vast import instance as vast

vast.POLL_INTERVAL = 2
CLUSTER = "sky-test"


def config(resume: bool) -> common.ProvisionConfig:
    node = {
        "InstanceType": "1x-RTX_4090-8-16384",
        "DiskSize": 40,
        "Preemptible": False,
        "ImageId": "pytorch/pytorch:2.4.0",
    }
    return common.ProvisionConfig(
        provider_config={"region": "US"},
        authentication_config={},
        docker_config={},
        node_config=node,
        count=1,
        tags={},
        resume_stopped_nodes=resume,
        ports_to_open_on_launch=None,
    )


def statuses() -> list[str]:
    found = vast.query_instances(CLUSTER, CLUSTER, provider_config={})
    return [status.value for status, _ in found.values()]


def settle(wanted: list[str]) -> list[str]:
    while statuses() != wanted:
        vast.time.sleep(vast.POLL_INTERVAL)
    return wanted


record = vast.run_instances("US", CLUSTER, CLUSTER, config(False))
info = vast.get_cluster_info("US", CLUSTER, {})
[[head]] = info.instances.values()
lived = [settle(["UP"])]
vast.stop_instances(CLUSTER)
lived.append(settle(["STOPPED"]))
vast.run_instances("US", CLUSTER, CLUSTER, config(True))
lived.append(settle(["UP"]))
vast.terminate_instances(CLUSTER)
lived.append(settle([]))
print(json.dumps({"created": record.created_instance_ids, "head": info.head_instance_id, "port": head.ssh_port, "lived": lived}))

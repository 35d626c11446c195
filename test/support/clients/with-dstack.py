"""A whole life with dstack's client, and with the search that it takes from gpuhunt."""

import json
import os
import time

import gpuhunt.providers.vastai as search
from dstack._internal.core.backends.vastai.api_client import VastAIAPIClient, VastAIRateLimitError
from gpuhunt import QueryFilter

URL = os.environ["VAST_URL"]
search.bundles_url = f"{URL}/api/v0/bundles/"
FILTERS = {
    "direct_port_count": {"gte": 1},
    "reliability2": {"gte": 0.9},
    "inet_down": {"gt": 128},
    "verified": {"eq": True},
    "cuda_max_good": {"gte": 12.0},
    "compute_cap": {"gte": 600},
}
provider = search.VastAIProvider(extra_filters=FILTERS)
offers = provider.get(QueryFilter(gpu_name=["RTX4090"], min_gpu_count=1, max_gpu_count=1, min_disk_size=40))
spot = next(offer for offer in offers if offer.spot)

client = VastAIAPIClient(os.environ["VAST_API_KEY"])
client.s.base_url = f"{URL}/api/"
known = client.auth_test()
wrong = VastAIAPIClient("wrong")
wrong.s.base_url = f"{URL}/api/"
bid = spot.provider_data["min_bid"]
created = client.create_instance("dstack-test", spot.instance_name, "dstackai/base:0.10", "sleep 1", 40, bid=bid)


def seen():
    while True:
        time.sleep(3)
        try:
            return client.get_instance(created)
        except VastAIRateLimitError:
            pass


row = seen()
while row is None or row["actual_status"] != "running" or not row.get("ports"):
    row = seen()
port = int(row["ports"]["10022/tcp"][0]["HostPort"])
client.destroy_instance(created)
while seen() is not None:
    pass
client.destroy_instance(created)
print(json.dumps({"offers": len(offers), "known": known, "wrong": wrong.auth_test(), "created": created, "port": port}))

"""torchrun on one machine: one process a GPU; the first that fails ends all."""

import argparse
import os
import signal
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nproc_per_node", type=int, required=True)
    parser.add_argument("--master_port", type=int, required=True)
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    flags = parser.parse_args()
    own = {"WORLD_SIZE": str(flags.nproc_per_node), "MASTER_PORT": str(flags.master_port)}
    workers = [
        subprocess.Popen(
            [sys.executable, flags.script, *flags.arguments],
            env={**os.environ, **own, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(flags.nproc_per_node)
    ]

    def end(*_):
        for worker in workers:
            worker.terminate()

    signal.signal(signal.SIGTERM, end)
    code = 0
    for worker in workers:
        if worker.wait() != 0 and code == 0:
            code = worker.returncode
            end()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Runs a command and says what it took, with every process that it started.

    python3 meter.py REPORT COMMAND [WORDS...]

Writes JSON to the file REPORT: `seconds` until the command ended, `cpu` (user and system seconds of all its processes),
`memory` (most bytes at a time that are private to them, all together) and `processes`, a line for each that lived long
enough to be seen. Ends with the command's own code. Linux only.
"""
import ctypes
import json
import os
import resource
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# Between two looks at /proc, seconds; the sums do not depend on it, the memory and the lines do.
PAUSE = 0.1
# How long a plugin may take to end after its command, seconds.
GRACE = 2
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def cpu_of(fields):
    """Of the process itself, seconds."""
    return (int(fields[11]) + int(fields[12])) / TICK


def below(root):
    """Every living process below this one: its id, its parent's, and the fields of its stat after the name."""
    fields = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read(f"/proc/{name}/stat")
            words = stat[stat.rfind(b")") + 2 :].split()
            if words and words[0] != b"Z":
                fields[int(name)] = words
    children = {}
    for pid, words in fields.items():
        children.setdefault(int(words[1]), []).append(pid)
    found, todo = {}, [root]
    while todo:
        for pid in children.get(todo.pop(), []):
            found[pid] = fields[pid]
            todo.append(pid)
    return found


class Watch:
    def __init__(self):
        self.began = time.monotonic()
        self.seen = {}
        self.memory = 0

    def look(self):
        now = round(time.monotonic() - self.began, 2)
        together = 0
        for pid, fields in below(os.getpid()).items():
            pages = read(f"/proc/{pid}/statm").split()
            memory = (int(pages[1]) - int(pages[2])) * PAGE if pages else 0
            together += memory
            line = self.seen.setdefault((pid, fields[19]), {"pid": pid, "from": now, "memory": 0})
            command = read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode("utf8", "replace").strip()
            line.update(parent=int(fields[1]), to=now, cpu=cpu_of(fields), command=command or line.get("command", ""))
            line["memory"] = max(line["memory"], memory)
        self.memory = max(self.memory, together)

    def reap(self, pid):
        """Waits for what has ended; the code of `pid` if it is among that."""
        code = None
        while True:
            try:
                ended, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return code
            if ended == 0:
                return code
            if ended == pid:
                code = os.waitstatus_to_exitcode(status)


def main(report, *command):
    # Whatever outlives its parent becomes a child of ours, so that its time is added to ours when it ends.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    watch = Watch()
    pid = os.posix_spawnp(command[0], command, os.environ, setsigmask=[])
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: os.kill(pid, number))
    code = None
    while code is None:
        watch.look()
        signal.sigtimedwait([signal.SIGCHLD], PAUSE)
        code = watch.reap(pid)
    seconds = time.monotonic() - watch.began
    while below(os.getpid()) and time.monotonic() - watch.began - seconds < GRACE:
        signal.sigtimedwait([signal.SIGCHLD], PAUSE)
        watch.reap(pid)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime + sum(cpu_of(fields) for fields in below(os.getpid()).values())
    with open(report, "w") as file:
        json.dump({"seconds": seconds, "cpu": cpu, "memory": watch.memory, "processes": list(watch.seen.values())}, file)
    return code if code >= 0 else 128 - code


sys.exit(main(*sys.argv[1:]))

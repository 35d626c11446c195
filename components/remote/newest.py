# The newest whole checkpoint below a folder, for RESUME_FROM. Follows whole.py.
#   FOLDER PATTERN    PATTERN: a glob below it that takes the place of LAYOUTS, or ""
# Prints two texts, each ended by NUL: its path or nothing, and lines for people.
import glob
import stat
import sys
import time

FILE = r"(?:\.(?:pt|pth|ckpt|bin|npz|pkl|pickle|safetensors)(?:\.tar)?)?"
# Names of checkpoints, as docs/running.md shows them, and their patterns; the group, if any, is the step.
LAYOUTS = [
    ("step_N", r"step[-_](\d+)" + FILE),
    ("checkpoint-N", r"checkpoint-(\d+)" + FILE),
    ("checkpoint_N", r"checkpoint_(\d+)" + FILE),
    ("epoch_N", r"epoch[-_](\d+)" + FILE),
    ("global_stepN", r"global_step(\d+)"),
    ("*.ckpt", r".+\.ckpt"),
    ("ckpt.pt", r"ckpt\.pt"),
]
# Any folder with this file is a checkpoint: torch DCP writes it last.
METADATA = ".metadata"
LEVELS = 5
QUIET_SECONDS = 3

TEMPORARY = re.compile(r"(^|[._~-])(tmp|partial|incomplete)([._-]|\d|$)|^\.?tmp|~$|\.part$", re.I)
# These files are always followed by another: written by transformers, and by Accelerate alone or within transformers.
FOLLOWED_BY = [
    ("training_args.bin", ["trainer_state.json"]),
    ("optimizer.bin", ["random_states_0.pkl", "trainer_state.json"]),
]
WEIGHTS = re.compile(r"\.safetensors$|(^|/)(pytorch_model|adapter_model|training_args)[^/]*\.bin$")
STATE = re.compile(r"(^|/)(training_state\.[^/]*|trainer_state\.json|\.metadata)$")
SHARD = re.compile(r"-(\d+)-of-(\d+)\.")
RANK = re.compile(r"(.*?)(?:zero_pp_rank_(\d+)_)?mp_rank_(\d+)_(model|optim)_states\.pt")


class Broken(Exception):
    """Says why a path is no whole checkpoint."""


class Candidate:
    """
    A path that is called like a checkpoint. `step` is -1 where its layout has none; `names` are its files, "" for a file
    itself, and `mtime` is that of the newest.
    """

    def __init__(self, path, layout, step):
        self.path, self.layout, self.step = path, layout, step
        self.see()

    def see(self):
        self.stamps = {}
        for name in files_below(self.path) if os.path.isdir(self.path) else [""]:
            try:
                seen = os.stat(self.at(name))
            except OSError:  # it is gone by now, or a link that leads nowhere
                self.stamps[name] = (0, 0)
                continue
            if stat.S_ISREG(seen.st_mode):
                self.stamps[name] = (seen.st_size, seen.st_mtime)
        self.names = set(self.stamps)
        self.mtime = max([mtime for _, mtime in self.stamps.values()] or [0])

    def at(self, name):
        return os.path.join(self.path, name) if name else self.path

    def order(self):
        return (self.mtime, self.step) if self.step < 0 else (self.step, self.mtime)


def files_below(folder):
    """Names from there; links are followed, and none twice round a circle."""
    seen = set()
    for at, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(at)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        for name in files:
            yield os.path.relpath(os.path.join(at, name), folder)


def candidates_below(folder, levels, seen):
    """What is called like a checkpoint; what is within one is none."""
    real = os.path.realpath(folder)
    if levels == 0 or real in seen:
        return
    seen.add(real)
    for name in names_in(folder):
        path = os.path.join(folder, name)
        is_folder = os.path.isdir(path)
        for layout, pattern in LAYOUTS:
            match = re.fullmatch(pattern, name, re.S)
            if match and len(name) < 200:
                yield Candidate(path, layout, int(match.group(1)) if match.groups() else -1)
                break
        else:
            if is_folder and os.path.exists(os.path.join(path, METADATA)):
                yield Candidate(path, METADATA, -1)
            elif is_folder and not name.startswith("."):
                yield from candidates_below(path, levels - 1, seen)


def names_in(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:  # it is gone by now
        return []


def within(path, folders):
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def check(candidate, writers, any_kind):
    """Raises Broken. `any_kind`: weights alone are asked for by name."""
    if TEMPORARY.search(os.path.basename(candidate.path)):
        raise Broken("is a temporary")
    await_quiet(candidate, writers)
    if not candidate.names:
        raise Broken("is empty")
    for name in sorted(candidate.names):
        if TEMPORARY.search(os.path.basename(name)):
            raise Broken("holds a temporary, " + name)
        if name and candidate.stamps[name][0] == 0 and format_of(name) is None:
            continue  # a mark
        if not is_whole_file(candidate.at(name)):
            raise Broken((name or "it") + (" is empty" if candidate.stamps[name][0] == 0 else " is cut off"))
    if candidate.names != {""}:
        check_folder(candidate, any_kind)


def await_quiet(candidate, writers):
    real = os.path.realpath(candidate.path)
    for path, who in writers:
        if within(path, [real]):
            raise Broken("is being written by " + who)
    before = candidate.stamps
    age = time.time() - candidate.mtime
    if 0 <= age < QUIET_SECONDS:
        time.sleep(QUIET_SECONDS - age)
        candidate.see()
        if candidate.stamps != before:
            raise Broken("is being written")


def check_folder(candidate, any_kind):
    names = candidate.names
    for name in names:
        check_index(candidate, name)
    for first, later in FOLLOWED_BY:
        if first in names and not names & set(later):
            raise Broken("lacks " + later[0])
    if candidate.layout == "checkpoint-N" and "trainer_state.json" in names:
        state = read_json(candidate.at("trainer_state.json"))
        if "global_step" in state and state["global_step"] != candidate.step:
            raise Broken("trainer_state.json is of step %s" % state["global_step"])
    check_ranks(candidate)
    if candidate.layout == "global_stepN":
        check_latest(candidate)
    if not any_kind and not any(is_state(name) for name in names) and not has_recipe_state(candidate):
        raise Broken("holds no state of training")


def check_index(candidate, name):
    """What an index or a number of parts names must be there, and as large as it says."""
    folder = os.path.dirname(name)
    if name.endswith(".index.json"):
        needed = set(read_json(candidate.at(name))["weight_map"].values())
    elif os.path.basename(name) == METADATA:
        sizes = parts_of(candidate.at(name))
        for part, size in sizes.items():
            if candidate.stamps.get(os.path.join(folder, part), (size,))[0] < size:
                raise Broken(os.path.join(folder, part) + " is cut off")
        needed = set(sizes)
    elif name.endswith(".distcp"):
        needed = {METADATA}
    elif SHARD.search(name):
        number, most = SHARD.search(name).groups()
        shards = range(0 if number.strip("0") == "" else 1, min(int(most), 10000) + 1)
        numbers = [str(shard).zfill(len(number)) for shard in shards]
        base = os.path.basename(name)
        needed = {SHARD.sub("-%s-of-%s." % (number, most), base) for number in numbers}
    elif os.path.basename(name) == "latest":
        with open(candidate.at(name)) as file:
            tag = file.read(300).strip()
        if not os.path.isdir(candidate.at(os.path.join(folder, tag))):
            raise Broken(name + " names no folder that is there")
        return
    else:
        return
    for part in sorted(needed):
        if os.path.join(folder, part) not in candidate.names:
            raise Broken("lacks " + os.path.join(folder, part))


def check_ranks(candidate):
    """DeepSpeed: with a greatest rank there are all below it."""
    ranks = {}
    for name in candidate.names:
        match = RANK.fullmatch(name)
        if match:
            before, data, model, kind = match.groups()
            ranks.setdefault((before, data is None, kind), set()).add((int(data or 0), int(model)))
    for (_, _, kind), found in ranks.items():
        rows, columns = (max(rank[axis] for rank in found) + 1 for axis in (0, 1))
        if len(found) != rows * columns:
            raise Broken("lacks %s states: %d of %d are there" % (kind, len(found), rows * columns))


def check_latest(candidate):
    """DeepSpeed writes `latest` when all ranks have saved: nothing newer than it is proved whole."""
    parent = os.path.dirname(candidate.path)
    matches = [re.fullmatch(r"global_step(\d+)", name) for name in names_in(parent)]
    steps = [int(match.group(1)) for match in matches if match]
    try:
        with open(os.path.join(parent, "latest")) as file:
            named = re.fullmatch(r"global_step(\d+)", file.read(300).strip())
    except (OSError, UnicodeDecodeError):
        named = None
    if named and candidate.step <= int(named.group(1)):
        return
    # A `latest` that is cut off, or names a step that is gone, may have been meant for the newest step: that one is in
    # doubt.
    if candidate.step == max(steps) or (named and int(named.group(1)) in steps):
        raise Broken("latest does not name it")


def is_state(name):
    return bool(STATE.search(name)) or (format_of(name) in (whole_torch, whole_zip) and not WEIGHTS.search(name))


def has_recipe_state(candidate):
    """torchtune keeps it beside its epochs, and writes it after each."""
    path = os.path.join(os.path.dirname(candidate.path), "recipe_state", "recipe_state.pt")
    return os.path.exists(path) and is_whole_file(path) and os.path.getmtime(path) >= candidate.mtime


def lacking(candidate, older):
    """What a save that was cut short between two files lacks, and the one before it has."""
    if candidate.names == {""}:
        return []
    own = [re.sub(r"(?<!\d)%s(?!\d)" % older.step, str(candidate.step), name) for name in older.names]
    return [
        name
        for name, as_own in zip(older.names, own)
        if (is_state(name) or WEIGHTS.search(name)) and not candidate.names & {name, as_own}
    ]


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def written_files():
    """(path, who) of what processes hold open for writing."""
    found = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            with open(link.replace("/fd/", "/fdinfo/")) as file:
                flags = re.search(r"^flags:\s*(\d+)", file.read(), re.M)
            if flags and int(flags.group(1), 8) & 3:
                pid = link.split("/")[2]
                with open("/proc/%s/comm" % pid) as file:
                    found.append((os.readlink(link), "%s (%s)" % (file.read().strip(), pid)))
        except OSError:
            pass  # it has ended, or is another user's
    return found


def trouble(candidate, writers, any_kind):
    """Why it is no whole checkpoint; None = it is one."""
    try:
        check(candidate, writers, any_kind)
    except Broken as broken:
        return str(broken)
    except Exception as error:  # whatever cannot be read is none
        return "cannot be read: %s" % error


def newest_of(group, writers, any_kind, refused):
    """The first whole one from the newest on; `refused` gets those before it, with the reason."""
    newest = None
    for candidate in sorted(group, key=Candidate.order, reverse=True):
        why = trouble(candidate, writers, any_kind)
        if why is not None:
            if newest is None:
                refused.append((candidate, why))
            continue
        if newest is not None:
            missing = [] if any_kind else lacking(newest, candidate)
            if not missing:
                break
            refused.append((newest, "lacks %s, which %s has" % (min(missing), os.path.basename(candidate.path))))
        newest = candidate
    return newest


def choose(folder, pattern):
    refused = []
    if pattern:
        found = glob.glob(os.path.join(glob.escape(folder), pattern), recursive=True)
        groups = [[Candidate(path, "own", -1) for path in found if path.rstrip("/") != folder]]
    else:
        by_place = {}
        for candidate in candidates_below(folder, LEVELS, set()):
            by_place.setdefault((candidate.layout, os.path.dirname(candidate.path)), []).append(candidate)
        groups = list(by_place.values())
    writers = written_files() if groups else []
    best = [newest_of(group, writers, bool(pattern), refused) for group in groups]
    best = [candidate for candidate in best if candidate]
    return max(best, key=lambda candidate: (candidate.mtime, candidate.step), default=None), refused


def lines_about(folder, newest, refused):
    """What people are to know of it: nothing where nothing is there."""
    reasons = ["%s (%s)" % (os.path.relpath(candidate.path, folder), why) for candidate, why in refused]
    if newest:
        return ["RESUME_FROM is " + newest.path] + (["passed over: " + some_of(reasons)] if reasons else [])
    looked_at = [candidate.path for candidate, _ in refused]
    names = sorted(files_below(folder))
    if not names:
        return []
    others = [name for name in names if not within(os.path.join(folder, name), looked_at)]
    return [
        "RESUME_FROM is unset: %s in %s, and none is a whole checkpoint of a layout that is known: %s"
        % ("1 file is" if len(names) == 1 else "%d files are" % len(names), folder, some_of(reasons + others)),
        "Training begins anew, unless its command finds them by itself; resumeFrom in the stack config names another layout.",
    ]


def some_of(texts):
    more = ["and %d more" % (len(texts) - 5)] if len(texts) > 5 else []
    return ", ".join(texts[:5] + more)


def main(folder, pattern):
    newest, refused = choose(folder, pattern)
    lines = lines_about(folder, newest, refused)
    shown = "\n".join("".join(letter if letter.isprintable() else "?" for letter in line) for line in lines)
    for text in (newest.path if newest else "", shown):
        sys.stdout.buffer.write(os.fsencode(text) + b"\0")


if __name__ == "__main__":
    main(*sys.argv[1:])

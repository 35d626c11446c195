# Checks by its own format whether a file of a checkpoint is whole. Python 3.6 or later, standard library only.
import io
import json
import os
import pickle
import pickletools
import re
import struct
import zipfile


class Stub:
    """Stands for whatever a pickle names: nothing of it is imported or run."""

    def __new__(cls, *_args, **_named):
        return object.__new__(cls)

    def __init__(self, *_args, **_named):
        self.state = {}

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    def extend(self, values):
        pass


class Reader(pickle.Unpickler):
    """Reads one pickle; `storages` has the type's name and the length of each tensor that lies outside it, by key."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        return type(name, (Stub,), {})

    def persistent_load(self, saved):
        kind, key, length = saved[1], saved[2], saved[4]
        self.storages[key] = (kind.__name__, length)


# The first pickle in files of torch.save before they became zips.
LEGACY_TORCH = 0x1950A86A20F9469CFC6C
STORAGE_BYTES = {
    "ByteStorage": 1,
    "CharStorage": 1,
    "BoolStorage": 1,
    "ShortStorage": 2,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "IntStorage": 4,
    "FloatStorage": 4,
    "LongStorage": 8,
    "DoubleStorage": 8,
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
}


def whole_safetensors(file, size):
    (length,) = struct.unpack("<Q", file.read(8))
    if 8 + length > size:
        return False
    header = json.loads(file.read(length).decode())
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return 8 + length + max(ends + [0]) == size


def whole_zip(file, size):
    with zipfile.ZipFile(file) as archive:
        # Python also accepts an end record in the middle of the file.
        file.seek(size - 22 - len(archive.comment))
        if file.read(4) != b"PK\5\6":
            return False
        for entry in archive.infolist():
            file.seek(entry.header_offset)
            head = file.read(30)
            begin = entry.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
            if head[:4] != b"PK\3\4" or begin + entry.compress_size > archive.start_dir:
                return False
        return True


def whole_pickle(file, size):
    """A plain pickle, or a file of old torch: five pickles, and then each tensor behind its length."""
    try:
        is_torch = Reader(io.BytesIO(file.read(64))).load() == LEGACY_TORCH
    except Exception:
        is_torch = False
    file.seek(0)
    if not is_torch:
        for _ in pickletools.genops(file):
            pass
        return file.tell() == size
    for _ in range(3):
        Reader(file).load()
    value = Reader(file)
    value.load()
    keys = Reader(file).load()
    end = file.tell()
    for key in keys:
        kind, length = value.storages[key]
        end += 8 + length * STORAGE_BYTES[kind]
    return end == size


def whole_torch(file, size):
    """What torch.save, numpy.savez or pickle.dump has written."""
    magic = file.read(2)
    file.seek(0)
    return whole_zip(file, size) if magic == b"PK" else whole_pickle(file, size)


def whole_json(file, size):
    json.loads(file.read().decode())
    return True


FORMATS = [
    (r"\.safetensors$", whole_safetensors),
    (r"\.npz$", whole_zip),
    (r"\.(pt|pth|ckpt|bin|pkl|pickle)(\.tar)?$", whole_torch),
    (r"(^|/)\.metadata$", whole_pickle),
    (r"\.json$", whole_json),
]


def format_of(path):
    return next((whole for ending, whole in FORMATS if re.search(ending, path)), None)


def is_whole_file(path):
    """A file of a format that is not known is whole when it is not empty."""
    size = os.path.getsize(path)
    whole = format_of(path)
    if whole is None or size == 0:
        return size > 0
    try:
        with open(path, "rb") as file:
            return whole(file, size)
    except OSError:
        raise
    except Exception:  # a format that is cut off fails in every way
        return False


def parts_of(metadata):
    """Sizes that the files of a torch DCP have at least, by their names beside its .metadata."""
    sizes = {}
    with open(metadata, "rb") as file:
        for info in Reader(file).load().state["storage_data"].values():
            part = info.state
            sizes[part["relative_path"]] = max(sizes.get(part["relative_path"], 0), part["offset"] + part["length"])
    return sizes

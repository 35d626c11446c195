"""Stands in for torch where only its launcher and its way to save are wanted."""

import json


def save(state, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)

"""Stands in for transformers where only its version is wanted."""

from importlib.metadata import version

__version__ = version("transformers")

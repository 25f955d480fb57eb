"""Dictionaries that may be given where a model is expected; made from the operation table."""

from ._generated.inputs import *

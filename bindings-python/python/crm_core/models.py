"""Models of everything that is sent or comes back; made from the operation table."""

from ._generated.models import *

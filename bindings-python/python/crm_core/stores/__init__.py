"""Stores in Python: `crm_core.stores.sqlite3` over the standard library's module."""

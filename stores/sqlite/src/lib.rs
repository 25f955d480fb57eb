//! crm-core's repository on SQLite.
#![forbid(unsafe_code)]

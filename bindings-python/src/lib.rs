//! The python binding of crm-core.

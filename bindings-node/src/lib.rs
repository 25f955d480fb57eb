//! The node binding of crm-core.

//! The wasm binding of crm-core.

//! Custom fields: what a tenant adds to the kinds of records, declared in the configuration and checked at every write.
//!
//! Start at [`CustomField`]; [`check`] holds a record's values against the declarations, `lint` looks through the declarations.

mod definition;
mod lint;
mod values;

pub use definition::{CustomField, CustomType};
pub use lint::{FIELDS, KINDS, errors};
pub use values::{check, unique_name};

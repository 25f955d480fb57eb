//! Prints `crm_core::api::schema::document()`; `cargo xtask generate` reads it.

fn main() {
    println!("{}", crm_core::api::schema::document());
}

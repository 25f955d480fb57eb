//! `FromJson` and `ToJson`: a type reads and writes itself as JSON in little code.
//!
//! What serde derives is a loop of its own for every type, which was a fifth of the WebAssembly builds. Here a type hands the places of
//! its fields to one loop that all types share. The names and rules are serde's own, read from the `#[serde(..)]` attributes, so that a
//! type has one form whoever reads it; an attribute that is not understood here is an error, never ignored.

mod attributes;
mod read;
mod write;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Fields, parse_macro_input};

/// Derives reading.
#[proc_macro_derive(FromJson, attributes(serde))]
pub fn from_json(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    read::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Derives writing.
#[proc_macro_derive(ToJson, attributes(serde))]
pub fn to_json(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    write::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// The one field of a struct that stands for its content.
fn content(input: &DeriveInput) -> Option<&syn::Type> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| &field.ty),
            _ => None,
        },
        _ => None,
    }
}

/// A refusal at the type's name.
fn refuse<T>(input: &DeriveInput, why: &str) -> syn::Result<T> {
    Err(Error::new(input.ident.span(), why))
}

//! Writing: the values of the fields go to one loop, which writes them.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, FieldsNamed, GenericParam, Result, parse_quote};

use crate::attributes::{Container, Place};
use crate::{content, refuse};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let body = match &input.data {
        _ if content(input).is_some() => quote! { ::crm_core::base::json::ToJson::to_json(&self.0, writer) },
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(fields, |name| quote!(&self.#name))?,
            _ => return refuse(input, "a struct with named fields, or with one, is expected"),
        },
        Data::Enum(data) => {
            let mut arms = Vec::new();
            for variant in &data.variants {
                let (name, text) = (&variant.ident, container.name(variant)?);
                arms.push(match &variant.fields {
                    Fields::Unit => quote! { Self::#name => writer.word(#text), },
                    Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                        quote! { Self::#name(value) => writer.variant(#text, value), }
                    }
                    Fields::Named(fields) => {
                        let bound: Vec<_> = fields.named.iter().map(|field| &field.ident).collect();
                        let own: Vec<_> = (0..bound.len()).map(|place| format_ident!("value_{place}")).collect();
                        let find = |name: &syn::Ident| {
                            let at = bound.iter().position(|bound| bound.as_ref() == Some(name));
                            at.and_then(|at| own.get(at)).map_or_else(|| quote!(#name), |own| quote!(#own))
                        };
                        let write = object(fields, find)?;
                        quote! { Self::#name { #(#bound: #own),* } => {
                            writer.open_variant(#text);
                            #write
                            writer.close_variant();
                        } }
                    }
                    Fields::Unnamed(_) => return refuse(input, "a variant holds one value or named fields"),
                });
            }
            quote! { match self { #(#arms)* } }
        }
        Data::Union(_) => return refuse(input, "a union has no JSON"),
    };
    let name = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let mut generics = input.generics.clone();
    for parameter in &mut generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(parse_quote!(::crm_core::base::json::ToJson));
        }
    }
    let (parameters, _, conditions) = generics.split_for_impl();
    Ok(quote! {
        impl #parameters ::crm_core::base::json::ToJson for #name #types #conditions {
            fn to_json(&self, writer: &mut ::crm_core::base::json::Writer) {
                #body
            }
        }
    })
}

/// Writes the fields of an object.
fn object(fields: &FieldsNamed, value: impl Fn(&syn::Ident) -> TokenStream) -> Result<TokenStream> {
    let (mut names, mut values, mut skips) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let place = Place::of(field)?;
        let Some(ident) = field.ident.as_ref().filter(|_| !place.skip) else { continue };
        let value = value(ident);
        if let Some(absent) = place.absent {
            let at = names.len();
            skips.push(quote! { | (u64::from(#absent(#value)) << #at) });
        }
        names.push(place.name);
        values.push(value);
    }
    Ok(quote! { writer.fields(&[#(#names),*], 0_u64 #(#skips)*, &[#(#values),*]); })
}

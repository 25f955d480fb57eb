//! Reading: the places of the fields go to one loop, which fills them.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, FieldsNamed, GenericParam, Lifetime, Result, parse_quote};

use crate::attributes::{Container, Place};
use crate::{content, refuse};

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let body = match &input.data {
        _ if content(input).is_some() => {
            quote! { ::crm_core::base::json::FromJson::from_json(reader).map(Self) }
        }
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(fields, &quote!(Self), container.strict)?,
            _ => return refuse(input, "a struct with named fields, or with one, is expected"),
        },
        Data::Enum(data) => {
            let names = data.variants.iter().map(|v| container.name(v)).collect::<Result<Vec<_>>>()?;
            let mut arms = Vec::new();
            for (place, variant) in data.variants.iter().enumerate() {
                let name = &variant.ident;
                let read = match &variant.fields {
                    Fields::Unit => quote! { reader.plain(open).map(|()| Self::#name) },
                    Fields::Unnamed(fields) if fields.unnamed.len() == 1 => quote! {{
                        reader.filled(open)?;
                        let value = ::crm_core::base::json::FromJson::from_json(reader)?;
                        reader.ended().map(|()| Self::#name(value))
                    }},
                    Fields::Named(fields) => {
                        let read = object(fields, &quote!(Self::#name), container.strict)?;
                        quote! {{
                            reader.filled(open)?;
                            let value = (|| { #read })()?;
                            reader.ended().map(|()| value)
                        }}
                    }
                    Fields::Unnamed(_) => return refuse(input, "a variant holds one value or named fields"),
                };
                arms.push(quote! { #place => #read, });
            }
            let is_plain = data.variants.iter().all(|v| matches!(v.fields, Fields::Unit));
            if is_plain {
                let places = 0..names.len();
                let variants = data.variants.iter().map(|v| &v.ident);
                quote! {
                    match reader.plain_variant(&[#(#names),*])? {
                        #(#places => Ok(Self::#variants),)*
                        _ => Err(::crm_core::base::json::lost()),
                    }
                }
            } else {
                quote! {
                    let (place, open) = reader.variant(&[#(#names),*])?;
                    match place {
                        #(#arms)*
                        _ => Err(::crm_core::base::json::lost()),
                    }
                }
            }
        }
        Data::Union(_) => return refuse(input, "a union has no JSON"),
    };
    let name = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let mut generics = input.generics.clone();
    // What is borrowed is borrowed from the text.
    let own = input.generics.lifetimes().next().map(|parameter| parameter.lifetime.clone());
    let text: Lifetime = own.clone().unwrap_or_else(|| parse_quote!('de));
    for parameter in &mut generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(parse_quote!(::crm_core::base::json::FromJson<#text>));
        }
    }
    if own.is_none() {
        generics.params.insert(0, parse_quote!('de));
    }
    let (parameters, _, conditions) = generics.split_for_impl();
    Ok(quote! {
        impl #parameters ::crm_core::base::json::FromJson<#text> for #name #types #conditions {
            fn from_json(
                reader: &mut ::crm_core::base::json::Reader<#text>,
            ) -> ::core::result::Result<Self, ::crm_core::base::json::Fault> {
                #body
            }
        }
    })
}

/// Reads the fields of an object.
fn object(fields: &FieldsNamed, made: &TokenStream, strict: bool) -> Result<TokenStream> {
    let (mut names, mut slots, mut starts, mut parts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut musts, mut needed) = (Vec::new(), 0_u64);
    for field in &fields.named {
        let place = Place::of(field)?;
        let (name, kind) = (&field.ident, &field.ty);
        if place.skip {
            parts.push(quote! { #name: ::core::default::Default::default() });
            continue;
        }
        let slot = format_ident!("slot_{}", names.len());
        if names.len() >= 64 {
            return Err(syn::Error::new_spanned(field, "more than 64 fields"));
        }
        match &place.default {
            None => {
                needed |= 1 << names.len();
                starts.push(quote! { let mut #slot = ::core::option::Option::<#kind>::None; });
                parts.push(quote! { #name: #slot });
                musts.push(slot.clone());
            }
            Some(default) => {
                let start = default
                    .as_ref()
                    .map_or_else(|| quote!(<#kind as ::core::default::Default>::default()), |path| quote!(#path()));
                starts.push(quote! { let mut #slot = ::crm_core::base::json::May::<#kind>(#start); });
                parts.push(quote! { #name: #slot.0 });
            }
        }
        names.push(place.name);
        slots.push(slot);
    }
    Ok(quote! {
        #(#starts)*
        reader.fields(&[#(#names),*], #needed, #strict, &mut [#(&mut #slots),*])?;
        match (#(#musts,)*) {
            (#(::core::option::Option::Some(#musts),)*) => Ok(#made { #(#parts),* }),
            #[allow(unreachable_patterns)]
            _ => Err(::crm_core::base::json::lost()),
        }
    })
}

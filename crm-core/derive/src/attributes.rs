//! What serde's attributes say of a type, a field or a variant.

use syn::{Attribute, Expr, ExprLit, Field, Lit, LitStr, Path, Result, Type, Variant};

/// Of a type or a variant with fields.
#[derive(Default)]
pub struct Container {
    /// Unknown fields are refused.
    pub strict: bool,
    /// Variants are named in snake case.
    pub snake: bool,
}

impl Container {
    pub fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Container::default();
        each(attributes, |meta| {
            if meta.path.is_ident("deny_unknown_fields") {
                found.strict = true;
            } else if meta.path.is_ident("rename_all") {
                let case = text(&meta)?;
                if case.value() != "snake_case" {
                    return Err(meta.error("only `snake_case` is known here"));
                }
                found.snake = true;
            } else if !meta.path.is_ident("transparent") {
                return Err(meta.error("this attribute is not known here"));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The name of a variant.
    pub fn name(&self, variant: &Variant) -> Result<String> {
        let mut name = variant.ident.to_string();
        if self.snake {
            name = snake(&name);
        }
        each(&variant.attrs, |meta| {
            if !meta.path.is_ident("rename") {
                return Err(meta.error("this attribute is not known here"));
            }
            name = text(&meta)?.value();
            Ok(())
        })?;
        Ok(name)
    }
}

/// Of a field.
pub struct Place {
    /// The name in JSON.
    pub name: String,
    /// What stands for it when it is left out: `None` when it must be there, otherwise the function that makes it, or its default.
    pub default: Option<Option<Path>>,
    /// Whether it is left out when written.
    pub absent: Option<Path>,
    /// It is neither read nor written.
    pub skip: bool,
}

impl Place {
    pub fn of(field: &Field) -> Result<Self> {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        let mut place = Place { name, default: is_option(&field.ty).then_some(None), absent: None, skip: false };
        each(&field.attrs, |meta| {
            if meta.path.is_ident("default") {
                place.default = Some(if meta.input.peek(syn::Token![=]) { Some(text(&meta)?.parse()?) } else { None });
            } else if meta.path.is_ident("skip_serializing_if") {
                place.absent = Some(text(&meta)?.parse()?);
            } else if meta.path.is_ident("rename") {
                place.name = text(&meta)?.value();
            } else if meta.path.is_ident("skip") {
                place.skip = true;
            } else if !meta.path.is_ident("borrow") {
                return Err(meta.error("this attribute is not known here"));
            }
            Ok(())
        })?;
        Ok(place)
    }
}

/// As for serde, an option that is left out is none.
fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

fn each(attributes: &[Attribute], mut take: impl FnMut(syn::meta::ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    attributes.iter().filter(|a| a.path().is_ident("serde")).try_for_each(|a| a.parse_nested_meta(&mut take))
}

fn text(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<LitStr> {
    match meta.value()?.parse()? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        _ => Err(meta.error("a text is expected")),
    }
}

/// `OneOf` as `one_of`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

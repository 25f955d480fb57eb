//! The operation table: every operation of the engine, declared once.
//!
//! Dispatch, the typed Rust areas, the schemas, the façades of Python and TypeScript and the reference are made from it. `pure`
//! operations need no store; `read` ones read records; `write` ones change them;
//! `direct_read` and `direct_write` ones work on the store itself. `with_obligations` marks those whose changes hold more than records
//! and events.

use super::request::decode;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::hint::near_or;
use crate::base::text::{clip, suggest};

#[cfg(feature = "store")]
use crate::crm::run::Frame;
#[cfg(feature = "store")]
use crate::crm::session::Session;
#[cfg(feature = "store")]
use crate::store::repository::{BoxFuture, Repository};

/// A value in its written form.
#[cfg(feature = "store")]
pub type Written = crate::base::json::Json;

/// An operation that needs no records: from its written input and the context to the text of its value.
pub type Pure = fn(&str, &Context) -> Result<Decision<String>>;

/// What an operation does to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Needs no records at all.
    Pure,
    /// Reads records.
    Read,
    /// Changes records.
    Write,
}

impl Effect {
    /// The name in schemas and references.
    pub const fn name(self) -> &'static str {
        match self {
            Effect::Pure => "pure",
            Effect::Read => "read",
            Effect::Write => "write",
        }
    }
}

/// How an operation is run on written input.
#[derive(Clone, Copy)]
pub enum Runner {
    /// From input and context alone.
    Pure(Pure),
    /// Over a session.
    #[cfg(feature = "store")]
    Stored(for<'s> fn(&'s mut Session<'_>, &'s str) -> BoxFuture<'s, Result<Decision<Written>>>),
    /// Over the store itself, in commits of its own; no one decision stands for it.
    #[cfg(feature = "store")]
    Direct(Direct),
}

/// An operation over the store itself.
#[cfg(feature = "store")]
pub type Direct = for<'s> fn(&'s dyn Repository, Frame<'s>, &'s str) -> BoxFuture<'s, Result<Decision<Written>>>;

/// What is left to a host that decides an operation over facts and carries out its changes on tables of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decides {
    /// The operation needs no records.
    NotNeeded,
    /// The records and events of the change set are everything.
    Complete,
    /// Names, counts, numbers or timers are to be kept too; the answer lists them as `obligations`.
    WithObligations,
    /// It cannot be decided: it commits by itself.
    Refused,
}

impl Decides {
    /// The name in schemas and references.
    pub const fn name(self) -> &'static str {
        match self {
            Decides::NotNeeded => "not_needed",
            Decides::Complete => "complete",
            Decides::WithObligations => "with_obligations",
            Decides::Refused => "refused",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The name, such as `opportunities.advance`.
    pub name: &'static str,
    /// The area, such as `opportunities`.
    pub area: &'static str,
    /// The method within the area, such as `advance`.
    pub method: &'static str,
    /// What it does to records.
    pub effect: Effect,
    /// What is left to a host that decides it over facts.
    pub decides: Decides,
    /// What it does, in sentences.
    #[cfg(feature = "schema")]
    pub doc: &'static str,
    /// How it is run.
    pub runner: Runner,
    /// Its input's and its answer's types.
    #[cfg(feature = "schema")]
    pub types:
        fn(&mut schemars::SchemaGenerator, &mut schemars::SchemaGenerator) -> (schemars::Schema, schemars::Schema),
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.effect.name())
    }
}

/// Every operation of this build, in the table's order.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    #[cfg(feature = "store")]
    return SMALL.iter().chain(LARGE);
    #[cfg(not(feature = "store"))]
    SMALL.iter()
}

/// Every operation's name, those of larger builds included.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    SMALL_NAMES.iter().chain(LARGE_NAMES).copied()
}

/// Says whether an operation is in every build, the smallest one included.
pub fn in_every_build(name: &str) -> bool {
    SMALL_NAMES.contains(&name)
}

/// Finds an operation by name.
pub fn find(name: &str) -> Option<&'static Operation> {
    operations().find(|operation| operation.name == name)
}

/// Finds an operation for a request.
///
/// # Errors
/// `unknown_operation` with the nearest name; `not_in_this_build`.
pub fn lookup(name: &str) -> Result<&'static Operation> {
    find(name).ok_or_else(|| {
        if names().any(|known| known == name) || name == "batch" {
            return elsewhere(name, "full");
        }
        let hint = near_or(suggest(name, names()), Code::SeeDescribe);
        Error::new(Code::UnknownOperation).with("op", clip(name)).with("hint", hint).at("op")
    })
}

/// The refusal of what a larger build offers.
pub(super) fn elsewhere(what: &str, build: &str) -> Error {
    Error::new(Code::NotInThisBuild).with("op", what).with("build", build)
}

#[cfg(feature = "store")]
fn written<T: crate::base::json::ToJson>(decision: Decision<T>) -> Result<Decision<Written>> {
    Ok(Decision::new(crate::base::writer::to_json(&decision.value), decision.reasons))
}

/// Runs an operation that needs no records among others that do.
///
/// # Errors
/// Whatever the operation refuses.
#[cfg(feature = "store")]
pub fn run_pure(pure: Pure, text: &str, context: &Context) -> Result<Decision<Written>> {
    let decision = pure(text, context)?;
    Ok(Decision::new(Written::of(decision.value), decision.reasons))
}

macro_rules! effect {
    (pure) => {
        Effect::Pure
    };
    (read) => {
        Effect::Read
    };
    (write) => {
        Effect::Write
    };
    (direct_read) => {
        Effect::Read
    };
    (direct_write) => {
        Effect::Write
    };
}

macro_rules! decides {
    (pure) => {
        Decides::NotNeeded
    };
    (direct_read) => {
        Decides::Refused
    };
    (direct_write) => {
        Decides::Refused
    };
    ($effect:ident) => {
        Decides::Complete
    };
    ($effect:ident with_obligations) => {
        Decides::WithObligations
    };
}

macro_rules! runner {
    (pure, $name:expr, $input:ty, $function:path) => {
        Runner::Pure(|text, context| {
            let input = decode::<$input>($name, text).map_err(|error| {
                super::shape::with_values(error, $name, text, &|rest| {
                    decode::<$input>($name, rest).and_then(|input| $function(&input, context)).err()
                })
            })?;
            let decision = $function(&input, context)?;
            // An answer repeats much of its request and says more.
            let size = text.len().saturating_mul(5) / 2;
            let value = crate::base::writer::to_string(&decision.value, size);
            Ok(Decision::new(value, decision.reasons))
        })
    };
    (direct_read, $name:expr, $input:ty, $function:path) => {
        runner!(direct_write, $name, $input, $function)
    };
    (direct_write, $name:expr, $input:ty, $function:path) => {
        Runner::Direct(|repository, frame, text| {
            Box::pin(async move {
                let input = decode::<$input>($name, text)?;
                written($function(repository, frame, &input).await?)
            })
        })
    };
    ($effect:ident, $name:expr, $input:ty, $function:path) => {
        Runner::Stored(|session, text| {
            Box::pin(async move {
                let input = decode::<$input>($name, text)?;
                written($function(session, &input).await?)
            })
        })
    };
}

#[cfg(feature = "store")]
macro_rules! typed {
    (pure, [$(#[$doc:meta])*], $name:expr, $method:ident, $input:ty, $output:ty, $function:path) => {
        $(#[$doc])*
        pub async fn $method(&self, request: &$input) -> Result<Decision<$output>> {
            $function(request, self.0.context())
        }
    };
    (direct_read, $($rest:tt)*) => {
        typed!(direct_write, $($rest)*);
    };
    (direct_write, [$(#[$doc:meta])*], $name:expr, $method:ident, $input:ty, $output:ty, $function:path) => {
        $(#[$doc])*
        pub async fn $method(&self, request: &$input) -> Result<Decision<$output>> {
            $function(self.0.repository().as_ref(), crate::crm::run::direct_frame(self.0, $name)?, request).await
        }
    };
    ($effect:ident, [$(#[$doc:meta])*], $name:expr, $method:ident, $input:ty, $output:ty, $function:path) => {
        $(#[$doc])*
        pub async fn $method(&self, request: &$input) -> Result<Decision<$output>> {
            struct Run<'r>(&'r $input);
            impl crate::crm::run::Job<$output> for Run<'_> {
                fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<$output>>> {
                    Box::pin($function(session, self.0))
                }
            }
            crate::crm::run::run_typed(self.0, $name, request, &Run(request)).await
        }
    };
}

macro_rules! operations {
    ($table:ident, $names:ident, #[cfg($gate:meta)];
    $(
        $(#[doc = $about:literal])*
        $area:ident as $type:ident {
            $( $(#[doc = $doc:literal])* $effect:ident $method:ident($input:ty) -> $output:ty = $function:path $(, $mark:ident)?; )*
        }
    )*) => {
        #[cfg($gate)]
        static $table: &[Operation] = &[
            $($(
                Operation {
                    name: concat!(stringify!($area), ".", stringify!($method)),
                    area: stringify!($area),
                    method: stringify!($method),
                    effect: effect!($effect),
                    decides: decides!($effect $($mark)?),
                    #[cfg(feature = "schema")]
                    doc: concat!($($doc, "\n",)*),
                    runner: runner!($effect, concat!(stringify!($area), ".", stringify!($method)), $input, $function),
                    #[cfg(feature = "schema")]
                    types: |requests, answers| (requests.subschema_for::<$input>(), answers.subschema_for::<$output>()),
                },
            )*)*
        ];

        static $names: &[&str] = &[$($(concat!(stringify!($area), ".", stringify!($method)),)*)*];

        $(
            $(#[doc = $about])*
            #[cfg(feature = "store")]
            pub struct $type<'a>(&'a crate::crm::Crm);

            #[cfg(feature = "store")]
            impl $type<'_> {
                $(
                    typed!($effect, [$(#[doc = $doc])*], concat!(stringify!($area), ".", stringify!($method)), $method, $input, $output, $function);
                )*
            }

            #[cfg(feature = "store")]
            impl crate::crm::Crm {
                $(#[doc = $about])*
                pub fn $area(&self) -> $type<'_> {
                    $type(self)
                }
            }
        )*
    };
}

include!("operations.rs");

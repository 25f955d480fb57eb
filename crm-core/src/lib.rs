//! crm-core: the CRM engine that you embed.
//!
//! Every decision a CRM takes is one operation that is a pure function of its request and of the records it reads.
//! Start at [`api`] for the table of operations and the JSON boundary, at `crm::Crm` for the typed Rust API,
//! and at [`base`] for money, errors and explanations. The floors, lowest first:
//! `base`, `condition`, the domain (`people`, `customers`, `pipeline`, `pricing`, `quotes`, `insight`) beside `store`, `config`, `crm`, `api`.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

// The derives name this crate, whether it is used here or elsewhere.
extern crate self as crm_core;

#[cfg(feature = "store")]
pub mod activities;
pub mod api;
pub mod base;
#[cfg(feature = "store")]
pub mod condition;
#[cfg(feature = "store")]
pub mod config;
#[cfg(feature = "store")]
pub mod crm;
#[cfg(feature = "store")]
pub mod custom;
#[cfg(feature = "store")]
pub mod customers;
#[cfg(feature = "store")]
pub mod insight;
pub mod money;
#[cfg(feature = "store")]
pub mod people;
#[cfg(feature = "store")]
pub mod pipeline;
#[cfg(feature = "store")]
pub mod pricing;
pub mod quotes;
#[cfg(feature = "store")]
pub mod store;

/// The examples of the README files, run as tests.
#[cfg(all(doctest, feature = "catalogue", feature = "store"))]
mod readme {
    #[doc = include_str!("../../README.md")]
    struct English;
    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
    #[doc = include_str!("../../docs/guides/own-store.md")]
    struct OwnStore;
}

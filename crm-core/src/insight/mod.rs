//! Insight: figures over opportunities, each with its definition.
//!
//! Start at [`deals::Deals`], the columnar table that every figure is computed from, whether its rows come from a store or from a
//! frame; then one file a question: [`funnel`], [`win_rate`], [`won_value`], [`cycle_time`], [`forecast`].

pub mod closed;
pub mod coded;
pub mod cycle_time;
pub mod deals;
pub mod figures;
pub mod forecast;
mod forecast_rules;
#[cfg(feature = "arrow")]
pub mod frames;
pub mod funnel;
pub mod group;
pub mod kernel;
pub mod win_rate;
pub mod won_value;

//! The pipeline: opportunities and the stages they move through.
//!
//! Start at [`opportunity::Opportunity`]; [`definition`] holds the stages as configuration, [`moves`] every decision about a move.

pub mod definition;
pub mod history;
pub mod lint;
pub mod moves;
pub mod opportunity;
pub mod requests;

//! Frames: the same figures over exported tables, as they are.
//!
//! Start at [`read::Frame`], which turns Arrow batches into [`super::deals::Deals`]; [`mapping`] finds the columns, [`cells`] reads
//! them, [`stages`] finds the pipeline, [`snapshot`] counts a large frame without copying it. What was guessed, rounded, missing or
//! unreadable stands in the [`report::FrameReport`].

pub mod cells;
pub mod mapping;
pub mod options;
pub mod read;
pub mod report;
pub mod snapshot;
pub mod stages;
